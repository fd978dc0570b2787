//! The header of a token is written by its sender: what it may decide, and what not.

use jsonwebtoken::Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
use mcp_auth::{
    auth::verify::TokenError,
    test_support::{Provider, SigningKey},
};
use serde_json::{Value, json};

use super::provider_tokens::{provider_and_verifier, provider_tokens};
use crate::{
    support::{Server, public_pem},
    tokens::forge,
};

#[tokio::test]
async fn the_key_determines_the_algorithm() {
    let format = &provider_tokens()[0];
    for algorithm in [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA] {
        // Without `alg` in the JWK, as Entra writes them, and with it.
        let key = SigningKey::new(algorithm, "k1");
        let named = key.clone().with("alg", format!("{algorithm:?}"));
        let wrong = if algorithm == ES256 { "ES384" } else { "ES256" };
        let misnamed = key.clone().with("alg", wrong);
        let encryption = key.clone().with("use", "enc");
        let wrapping = key.clone().with("key_ops", json!(["wrapKey"]));
        for (published, works) in [
            (&key, true),
            (&named, true),
            (&misnamed, false),
            (&encryption, false),
            (&wrapping, false),
        ] {
            // Another key beside it, so that the set is never empty.
            let (provider, verifier, claims) = provider_and_verifier(format, published).await;
            provider.publish(&[published, &SigningKey::other("k2")]);
            let outcome = verifier.verify(&key.sign(&claims)).await;
            assert_eq!(outcome.is_ok(), works, "{algorithm:?} {} {outcome:?}", published.jwk);
        }
    }
}

#[tokio::test]
async fn manipulated_headers_are_rejected() {
    let format = &provider_tokens()[0];
    let key = SigningKey::new(RS256, "k1").with("alg", "RS256");
    let (_provider, verifier, claims) = provider_and_verifier(format, &key).await;
    let good = key.sign(&claims);
    let part = |value: Value| {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let rest = good.split_once('.').unwrap().1;
    let with_header = |header: Value| format!("{}.{rest}", part(header));
    let hs256 = jsonwebtoken::encode(
        &jsonwebtoken::Header { kid: Some("k1".to_owned()), ..Default::default() },
        &claims,
        &jsonwebtoken::EncodingKey::from_secret(public_pem().as_bytes()),
    );
    let header =
        |kid: Option<&str>| jsonwebtoken::Header { kid: kid.map(str::to_owned), ..key.header() };
    let stolen = SigningKey::other("k1");
    let rs512 = SigningKey::new(RS512, "k1");
    for (what, token) in [
        ("none", with_header(json!({"alg": "none", "kid": "k1"}))),
        ("another algorithm of the same key", rs512.sign(&claims)),
        ("a public key as a secret", hs256.unwrap()),
        (
            "ES512, which the library does not know",
            with_header(json!({"alg": "ES512", "kid": "k1"})),
        ),
        ("no kid", key.sign_as(&header(None), &claims)),
        ("an unknown kid", key.sign_as(&header(Some("k9")), &claims)),
        ("a kid that is a number", with_header(json!({"alg": "RS256", "kid": 1}))),
        ("crit", with_header(json!({"alg": "RS256", "kid": "k1", "crit": ["exp"]}))),
        (
            "an ID token's type",
            with_header(json!({"alg": "RS256", "kid": "k1", "typ": "dpop+jwt"})),
        ),
        ("another key of that name", stolen.sign(&claims)),
        ("the key for encryption", SigningKey::other("enc").sign(&claims)),
        ("no signature", format!("{}.", good.rsplit_once('.').unwrap().0)),
        ("an altered signature", format!("{}AAAA", &good[..good.len() - 4])),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("five parts, a JWE", format!("{good}.x.y")),
        ("nothing at all", "..".to_owned()),
    ] {
        let error = verifier.verify(&token).await.expect_err(what);
        assert_eq!(error.public_message(), "Invalid token", "{what}");
        assert!(!matches!(error, TokenError::Unavailable(_)), "{what}");
    }
    assert!(verifier.verify(&good).await.is_ok());
}

#[tokio::test]
async fn a_symmetric_signature_is_rejected_without_a_request_for_keys() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::start(&[&key]).await;
    let server = Server::start_with("step10", ["--issuer", &provider.issuer()]);
    for algorithm in ["HS256", "HS384", "HS512"] {
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": algorithm}).to_string();
        let token = forge::hs256(b"secret", &header, &provider.claims("mcp:tools"));
        let answer = server.rpc(&token, "ping", json!({})).await;
        assert_eq!(answer.status, 401, "{algorithm}");
    }
    assert_eq!(provider.fetches(), 0);
}
