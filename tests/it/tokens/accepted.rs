//! Tokens that are valid, unusual as some of them are.

use serde_json::json;

use super::{
    OTHER, OTHER_AUDIENCE, OTHER_ISSUER, OURS, each, forge::HEADER, set, support::now, with,
    without,
};

#[tokio::test]
async fn valid_tokens_are_accepted() {
    let good = with(|_| {});
    each(vec![
        ("as gen-token makes it", OURS.token(&good), Ok("alice")),
        ("the same again, from the cache", OURS.token(&good), Ok("alice")),
        (
            "aud is a list with us in it",
            OURS.token(&set("aud", json!(["x", "mcp-server"]))),
            Ok("alice"),
        ),
        (
            "exp as a numeric string",
            OURS.token(&set("exp", json!((now() + 60).to_string()))),
            Ok("alice"),
        ),
        ("exp with a fraction", OURS.token(&set("exp", json!(now() as f64 + 60.5))), Ok("alice")),
        ("nbf has passed", OURS.token(&set("nbf", json!(now() - 1))), Ok("alice")),
        ("nbf is 3 s ahead", OURS.token(&set("nbf", json!(now() + 3))), Ok("alice")),
        ("iat is ahead", OURS.token(&set("iat", json!(now() + 999))), Ok("alice")),
        ("iat is nonsense", OURS.token(&set("iat", json!("yesterday"))), Ok("alice")),
        ("no iat", OURS.token(&without("iat")), Ok("alice")),
        ("no sub", OURS.token(&without("sub")), Ok("alice")),
        ("no name", OURS.token(&without("preferred_username")), Ok("unknown")),
        (
            "scopes and roles are null",
            OURS.token(&with(|c| {
                c["scope"] = json!(null);
                c["roles"] = json!(null);
            })),
            Ok("alice"),
        ),
        ("typ claim of an access token", OURS.token(&set("typ", json!("Bearer"))), Ok("alice")),
        ("no kid", OURS.rs256(r#"{"alg":"RS256","typ":"JWT"}"#, &good), Ok("alice")),
        (
            "another kid",
            OURS.rs256(r#"{"alg":"RS256","kid":"other","typ":"JWT"}"#, &good),
            Ok("alice"),
        ),
        ("no typ", OURS.rs256(r#"{"alg":"RS256","kid":"mcp-key-1"}"#, &good), Ok("alice")),
        ("typ of RFC 9068", OURS.rs256(r#"{"alg":"RS256","typ":"at+jwt"}"#, &good), Ok("alice")),
        (
            "typ of RFC 9068, in full",
            OURS.rs256(r#"{"alg":"RS256","typ":"application/at+jwt"}"#, &good),
            Ok("alice"),
        ),
        ("typ in another case", OURS.rs256(r#"{"alg":"RS256","typ":"jwt"}"#, &good), Ok("alice")),
        (
            "the other issuer, for the other audience",
            OTHER.1.token(&with(|c| {
                c["iss"] = json!(OTHER_ISSUER);
                c["aud"] = json!(OTHER_AUDIENCE);
            })),
            Ok("alice"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_key_inside_the_token_is_ignored() {
    // Harmless here: the signature is valid. `signatures.rs` has the harmful ones.
    let header = HEADER.replace('}', r#","jku":"http://127.0.0.1:1/","jwk":{"kty":"RSA"}}"#);
    each(vec![("jku and jwk are ignored", OURS.rs256(&header, &with(|_| {})), Ok("alice"))]).await;
}
