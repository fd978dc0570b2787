//! The JWKS of a provider: how often it is fetched, what happens in an outage, and what the client is told without keys.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::Algorithm::RS256;
use mcp_auth::{
    auth::{
        provider::{ProviderClient, ProviderError},
        verify::{
            TokenError, TokenVerifier, TrustedIssuer,
            remote_jwks::{JwksCacheConfig, RemoteJwks},
        },
    },
    test_support::{Provider, Reply, SigningKey},
};
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::support::{Answer, Ask, Server, message};

/// Short enough for a test, in the proportions of the defaults.
const QUICK: JwksCacheConfig = JwksCacheConfig {
    ttl: Duration::from_millis(400),
    max_stale: Duration::from_millis(2_500),
    cooldown: Duration::from_millis(600),
    retry_after: Duration::from_millis(100),
    refresh_wait: Duration::from_millis(100),
};

fn verifier(provider: &Provider, timing: JwksCacheConfig) -> TokenVerifier {
    let idp = ProviderClient::new(&provider.issuer(), false).unwrap();
    let keys = RemoteJwks::new(&idp, None, timing);
    TokenVerifier::new().trust(TrustedIssuer::from_remote(&keys, ["echo-mcp-server"]))
}

pub(super) fn step10(provider: &Provider) -> Server {
    Server::start_with("step10", ["--issuer", &provider.issuer()])
}

pub(super) async fn ping(server: &Server, token: &str) -> Answer {
    server.rpc(token, "ping", json!({})).await
}

/// A different valid token every time, so that none is cached.
pub(super) fn token(provider: &Provider, key: &SigningKey, number: usize) -> String {
    let mut claims = provider.claims("mcp:tools");
    claims["jti"] = number.to_string().into();
    key.sign(&claims)
}

#[tokio::test]
async fn invented_key_ids_do_not_flood_the_provider() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::start(&[&key]).await;
    let server = Arc::new(step10(&provider));
    assert_eq!(ping(&server, &token(&provider, &key, 0)).await.status, 200);
    let mut requests = JoinSet::new();
    for worker in 0..20 {
        let (server, provider_claims) = (Arc::clone(&server), provider.claims("mcp:tools"));
        requests.spawn(async move {
            for number in 0..50 {
                let key = SigningKey::new(RS256, &format!("made-up-{worker}-{number}"));
                let answer = ping(&server, &key.sign(&provider_claims)).await;
                // While a refresh is throttled, nobody can know whether the key is a new one (RFC 9110, 15.6.4).
                assert!([401, 503].contains(&answer.status), "{answer:?}");
                let retry: u64 = answer.header("retry-after").parse().unwrap_or_default();
                assert_eq!((1..=31).contains(&retry), answer.status == 503, "{answer:?}");
            }
        });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
    assert!(provider.fetches() <= 2, "{} fetches", provider.fetches());
}

#[tokio::test]
async fn two_hundred_first_requests_are_one_fetch() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::start(&[&key]).await;
    let keys = json!({"keys": [key.jwk]});
    provider.set_keys(Reply::Slow(Duration::from_millis(300), Box::new(Reply::Json(keys))));
    let server = Arc::new(step10(&provider));
    assert_eq!(provider.fetches(), 0, "nothing is fetched before it is needed");
    let mut requests = JoinSet::new();
    for number in 0..200 {
        let token = token(&provider, &key, number);
        let request = server.mcp(&token, message("ping", json!({})));
        requests.spawn(async move { request.answer().await.status });
    }
    while let Some(status) = requests.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(provider.fetches(), 1);
    let discovery = "/realms/test/.well-known/openid-configuration";
    assert_eq!(provider.count(discovery), 1);
}

#[tokio::test]
async fn a_client_that_disconnects_does_not_cancel_the_fetch() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::start(&[&key]).await;
    let keys = json!({"keys": [key.jwk]});
    provider.set_keys(Reply::Slow(Duration::from_millis(300), Box::new(Reply::Json(keys))));
    let verifier = verifier(&provider, JwksCacheConfig::default());
    let token = token(&provider, &key, 0);
    let gone = timeout(Duration::from_millis(50), verifier.verify(&token)).await;
    assert!(gone.is_err());
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test]
async fn a_rotation_costs_one_fetch_and_old_tokens_stay_valid() {
    let (old, new) = (SigningKey::new(RS256, "old"), SigningKey::other("new"));
    let provider = Provider::start(&[&old]).await;
    let server = step10(&provider);
    let early = token(&provider, &old, 0);
    assert_eq!(ping(&server, &early).await.status, 200);

    provider.publish(&[&new, &old]);
    for number in 1..20 {
        for key in [&new, &old] {
            assert_eq!(ping(&server, &token(&provider, key, number)).await.status, 200);
        }
    }
    assert_eq!(ping(&server, &early).await.status, 200);
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn a_removed_key_ends_tokens_that_were_cached() {
    let (old, new) = (SigningKey::new(RS256, "old"), SigningKey::other("new"));
    let provider = Provider::start(&[&old]).await;
    let config = JwksCacheConfig { cooldown: QUICK.cooldown, ..JwksCacheConfig::default() };
    let verifier = verifier(&provider, config);
    let early = token(&provider, &old, 0);
    assert!(verifier.verify(&early).await.is_ok());
    provider.publish(&[&new]);
    assert!(verifier.verify(&early).await.is_ok(), "not fetched again yet");
    assert!(verifier.verify(&token(&provider, &new, 1)).await.is_ok());
    // The refresh was a moment ago, so it cannot be known yet whether `old` is a key or not; then it is.
    let error = verifier.verify(&early).await.unwrap_err();
    assert!(matches!(error, TokenError::Unavailable(_)), "{error}");
    sleep(config.cooldown).await;
    let error = verifier.verify(&early).await.unwrap_err();
    assert_eq!(error, TokenError::UnknownKey(Some("old".to_owned())));
}

#[tokio::test]
async fn known_keys_serve_through_an_outage_after_one_attempt_to_fetch_others() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::start(&[&key]).await;
    // Nothing but the time to live passes during this test, however slow the machine is.
    let long = Duration::from_secs(600);
    let verifier =
        verifier(&provider, JwksCacheConfig { max_stale: long, retry_after: long, ..QUICK });
    assert!(verifier.verify(&token(&provider, &key, 0)).await.is_ok());

    provider.set_keys(Reply::Status(503));
    sleep(QUICK.ttl).await;
    for number in 1..10 {
        assert!(verifier.verify(&token(&provider, &key, number)).await.is_ok(), "{number}");
    }
    assert_eq!(provider.fetches(), 2, "one attempt, and the next only after `retry_after`");

    // An unknown key may be a new one of the provider: that is no 401.
    let unknown = token(&provider, &SigningKey::other("new"), 10);
    let error = verifier.verify(&unknown).await.unwrap_err();
    assert!(matches!(error, TokenError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn an_outage_ends_the_use_of_known_keys_when_they_are_too_old() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::start(&[&key]).await;
    let verifier = verifier(&provider, QUICK);
    assert!(verifier.verify(&token(&provider, &key, 0)).await.is_ok());

    provider.set_keys(Reply::Status(503));
    sleep(QUICK.ttl + QUICK.max_stale).await;
    let error = verifier.verify(&token(&provider, &key, 11)).await.unwrap_err();
    let TokenError::Unavailable(unavailable) = error else { panic!("{error}") };
    assert!(unavailable.cause.to_string().contains("/realms/test/keys answered with status 503"));

    provider.publish(&[&key]);
    sleep(QUICK.retry_after).await;
    assert!(
        verifier.verify(&token(&provider, &key, 12)).await.is_ok(),
        "the provider is reachable again"
    );
}

#[tokio::test]
async fn a_provider_that_hangs_does_not_delay_requests_while_there_are_keys() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::start(&[&key]).await;
    let timing = JwksCacheConfig { max_stale: Duration::from_secs(60), ..QUICK };
    let verifier = verifier(&provider, timing);
    assert!(verifier.verify(&token(&provider, &key, 0)).await.is_ok());
    provider.set_keys(Reply::Slow(Duration::from_secs(60), Box::new(Reply::Status(503))));
    sleep(timing.ttl).await;
    for number in 1..50 {
        assert!(verifier.verify(&token(&provider, &key, number)).await.is_ok());
    }
    // The first one waits for `refresh_wait`, the others do not wait.
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn a_forged_key_id_does_not_make_tokens_of_a_new_key_invalid() {
    let (old, new) = (SigningKey::new(RS256, "old"), SigningKey::other("new"));
    let provider = Provider::start(&[&old]).await;
    let config = JwksCacheConfig { cooldown: QUICK.cooldown, ..JwksCacheConfig::default() };
    let verifier = verifier(&provider, config);
    assert!(verifier.verify(&token(&provider, &old, 0)).await.is_ok());
    // The signature does not matter: the key is looked for before it is verified.
    let forged = token(&provider, &SigningKey::other("invented"), 1);
    let error = verifier.verify(&forged).await.unwrap_err();
    assert_eq!(error, TokenError::UnknownKey(Some("invented".to_owned())));

    provider.publish(&[&new]);
    let error = verifier.verify(&token(&provider, &new, 2)).await.unwrap_err();
    let TokenError::Unavailable(unavailable) = error else { panic!("{error}") };
    assert_eq!((unavailable.cause, unavailable.retry_after), (ProviderError::RefreshThrottled, 1));
    sleep(config.cooldown).await;
    assert!(verifier.verify(&token(&provider, &new, 3)).await.is_ok());
}
