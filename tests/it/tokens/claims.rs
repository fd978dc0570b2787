//! Tokens with a valid signature and wrong claims.

use serde_json::{Value, json};

use super::{OTHER, OTHER_AUDIENCE, OTHER_ISSUER, OURS, each, set, support::now, with, without};

const EXPIRED: Result<&str, &str> = Err("Token has expired");
const ISSUER: Result<&str, &str> = Err("Invalid token issuer");
const AUDIENCE: Result<&str, &str> = Err("Invalid token audience");
const INVALID: Result<&str, &str> = Err("Invalid token");

fn ours(claim: &str, value: Value) -> String {
    OURS.token(&set(claim, value))
}

#[tokio::test]
async fn times_are_validated() {
    let both = |c: &mut Value| {
        c["exp"] = json!(0);
        c["aud"] = json!("another-server");
    };
    each(vec![
        ("expired a second ago", ours("exp", json!(now() - 1)), EXPIRED),
        ("expires now: no leeway", ours("exp", json!(now())), EXPIRED),
        ("expired in 1970", ours("exp", json!(0)), EXPIRED),
        ("expired before 1970", ours("exp", json!(-1)), EXPIRED),
        ("expired, as a string", ours("exp", json!("123")), EXPIRED),
        ("expired, and for another server", OURS.token(&with(both)), EXPIRED),
        ("never expires", OURS.token(&without("exp")), INVALID),
        ("exp is null", ours("exp", json!(null)), INVALID),
        ("exp is a word", ours("exp", json!("tomorrow")), INVALID),
        ("exp is infinite", ours("exp", json!("inf")), INVALID),
        ("exp is NaN", ours("exp", json!("NaN")), INVALID),
        ("exp is a list", ours("exp", json!([now() + 60])), INVALID),
        ("exp is true", ours("exp", json!(true)), INVALID),
        ("not yet valid", ours("nbf", json!(now() + 60)), Err("Token is not yet valid")),
        (
            "nbf is more than 5 s ahead",
            ours("nbf", json!(now() + 7)),
            Err("Token is not yet valid"),
        ),
        ("nbf is a word", ours("nbf", json!("now")), INVALID),
        ("nbf is null", ours("nbf", json!(null)), INVALID),
    ])
    .await;
}

#[tokio::test]
async fn the_issuer_is_compared_byte_for_byte() {
    let both = |c: &mut Value| {
        c["iss"] = json!("evil");
        c["aud"] = json!("evil");
    };
    each(vec![
        ("another issuer", ours("iss", json!("evil")), ISSUER),
        ("with a slash at its end", ours("iss", json!("mcp-simple-auth/")), ISSUER),
        ("in another case", ours("iss", json!("MCP-simple-auth")), ISSUER),
        ("null", ours("iss", json!(null)), ISSUER),
        ("a list", ours("iss", json!(["mcp-simple-auth"])), ISSUER),
        ("another issuer and audience", OURS.token(&with(both)), ISSUER),
        ("none", OURS.token(&without("iss")), INVALID),
    ])
    .await;
}

#[tokio::test]
async fn the_audience_must_be_this_resource() {
    each(vec![
        ("another server", ours("aud", json!("another-server")), AUDIENCE),
        ("a list without us", ours("aud", json!(["a", "b"])), AUDIENCE),
        ("a number", ours("aud", json!(7)), AUDIENCE),
        ("an object", ours("aud", json!({"mcp-server": true})), AUDIENCE),
        ("in another case", ours("aud", json!("MCP-SERVER")), AUDIENCE),
        ("our name and more", ours("aud", json!("mcp-server-2")), AUDIENCE),
        ("a part of our name", ours("aud", json!("mcp")), AUDIENCE),
        ("our name among other words", ours("aud", json!("a mcp-server")), AUDIENCE),
        ("none", OURS.token(&without("aud")), INVALID),
        ("null", ours("aud", json!(null)), INVALID),
        ("an empty list", ours("aud", json!([])), INVALID),
    ])
    .await;
}

#[tokio::test]
async fn one_issuer_cannot_sign_for_another() {
    let claims = |issuer: &str, audience: &str| {
        with(|c| {
            c["iss"] = json!(issuer);
            c["aud"] = json!(audience);
        })
    };
    each(vec![
        (
            "our name, the other's key",
            OTHER.1.token(&claims("mcp-simple-auth", "mcp-server")),
            INVALID,
        ),
        ("the other's name, our key", OURS.token(&claims(OTHER_ISSUER, OTHER_AUDIENCE)), INVALID),
        (
            "the other's token for our audience",
            OTHER.1.token(&claims(OTHER_ISSUER, "mcp-server")),
            AUDIENCE,
        ),
        (
            "our token for the other's audience",
            OURS.token(&claims("mcp-simple-auth", OTHER_AUDIENCE)),
            AUDIENCE,
        ),
    ])
    .await;
}

#[tokio::test]
async fn other_claims_must_be_well_formed_too() {
    let twice = |claim: &str| {
        let text = with(|_| {}).to_string();
        OURS.token(&format!("{},{claim}}}", text.strip_suffix('}').expect("an object")))
    };
    each(vec![
        ("sub is a number", ours("sub", json!(7)), INVALID),
        ("jti is a number", ours("jti", json!(7)), INVALID),
        ("scope is a number", ours("scope", json!(7)), INVALID),
        ("an ID token", ours("typ", json!("ID")), INVALID),
        ("a refresh token", ours("typ", json!("Refresh")), INVALID),
        ("an ID token with a nonce", ours("nonce", json!("n-0S6")), INVALID),
        ("an ID token with at_hash", ours("at_hash", json!("77Qm")), INVALID),
        ("aud twice", twice(r#""aud":"mcp-server""#), INVALID),
        ("exp twice", twice(r#""exp":99999999999"#), INVALID),
        ("an unknown claim twice", twice(r#""x":1,"x":1"#), INVALID),
        ("the payload is a list", OURS.token(&"[]"), INVALID),
        ("the payload is a string", OURS.token(&r#""alice""#), INVALID),
        ("the payload is no JSON", OURS.token(&"{"), INVALID),
        ("the payload is empty", OURS.token(&""), INVALID),
        ("the payload has a tail", OURS.token(&format!("{} {{}}", with(|_| {}))), INVALID),
        ("half of a surrogate pair", OURS.token(&r#"{"iss":"\ud800"}"#), INVALID),
    ])
    .await;
}

/// RFC 9449, 7.2 and RFC 8705, 3: a token that is bound to a key is no bearer token.
#[tokio::test]
async fn sender_constrained_tokens_are_not_accepted_as_bearer_tokens() {
    const BOUND: Result<&str, &str> =
        Err("Token is bound to a key and cannot be used as a bearer token");
    each(vec![
        ("DPoP", ours("cnf", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})), BOUND),
        (
            "mTLS",
            ours("cnf", json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"})),
            BOUND,
        ),
        ("another confirmation (RFC 7800)", ours("cnf", json!({"kid": "k1"})), BOUND),
        ("an empty one", ours("cnf", json!({})), BOUND),
        ("null", ours("cnf", json!(null)), BOUND),
    ])
    .await;
}
