//! The cache of verified tokens accepts nothing that would not be accepted without it.

use std::time::Duration;

use mcp_auth::auth::verify::{TokenError, TokenVerifier, TrustedIssuer};
use serde_json::json;

use super::{
    OURS, app, authenticate, set,
    support::{self, Server, now},
    with,
};

#[tokio::test]
async fn a_cached_token_expires() {
    let app = app();
    let token = OURS.token(&set("exp", json!(now() + 2)));
    assert_eq!(authenticate(&app, &token).await.as_deref(), Ok("alice"));
    assert_eq!(authenticate(&app, &token).await.as_deref(), Ok("alice"), "cached");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(authenticate(&app, &token).await.unwrap_err(), "Token has expired");
}

#[tokio::test]
async fn a_cached_token_does_not_validate_any_other() {
    let app = app();
    let token = OURS.token(&with(|_| {}));
    assert_eq!(authenticate(&app, &token).await.as_deref(), Ok("alice"));
    // Every one of these differs from the good token in one character, somewhere.
    for at in (0..token.len()).step_by(7).chain([token.len() - 1]) {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut forged = token.clone();
        forged.replace_range(at..=at, other);
        assert!(authenticate(&app, &forged).await.is_err(), "character {at} of {forged}");
    }
    assert!(authenticate(&app, &token[..token.len() - 1]).await.is_err(), "cut short");
    assert!(authenticate(&app, &format!("{token}A")).await.is_err(), "grown");
    assert_eq!(authenticate(&app, &token).await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn many_valid_tokens_evict_others_and_are_not_mixed_up() {
    let jwks = support::key_pair().jwks();
    let verifier = TokenVerifier::new().cache_capacity(10_000).trust(TrustedIssuer::new(
        "mcp-simple-auth",
        ["mcp-server"],
        &jwks,
    ));
    let tokens: Vec<_> =
        (0..60).map(|number| OURS.token(&set("sub", json!(format!("user_{number}"))))).collect();
    for round in 0..2 {
        for (number, token) in tokens.iter().enumerate() {
            let principal = verifier.verify(token).await.unwrap();
            let subject = format!("user_{number}");
            assert_eq!(principal.subject.as_deref(), Some(&*subject), "round {round}");
        }
    }
    let forged = format!("{}AAAA", &tokens[0][..tokens[0].len() - 4]);
    let error = verifier.verify(&forged).await.unwrap_err();
    assert!(matches!(error, TokenError::InvalidSignature { .. }), "{error}");
}

#[tokio::test]
async fn the_cache_capacity_is_a_setting() {
    for (bytes, verified, cached) in [("0", 3, 0), ("1000000", 1, 2)] {
        let server =
            Server::start_with("step6", ["--metrics-port", "0", "--token-cache-bytes", bytes]);
        let alice = server.token("alice", "");
        for _ in 0..3 {
            assert_eq!(server.rpc(&alice, "ping", json!(null)).await.status, 200);
        }
        let numbers = server.numbers().await.body;
        for (outcome, count) in [("verified", verified), ("cached", cached)] {
            let line = format!("token_validations_total{{outcome=\"{outcome}\"}} {count}");
            let there = numbers.lines().any(|number| number == line);
            assert!(there || count == 0, "{line} with {bytes} bytes in:\n{numbers}");
        }
    }
}
