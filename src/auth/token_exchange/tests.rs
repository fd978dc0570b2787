use serde_json::{Value, json};
use url::form_urlencoded;

use super::*;
use crate::{
    principal::Identity,
    test_support::{self, Provider, Reply, now},
};

const ENDPOINT: &str = "/realms/test/token";
const USER_TOKEN: &str = "user.token.signature";

fn response(more: Value) -> Value {
    let mut response = json!({
        "access_token": "api.token.signature", "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer",
        "expires_in": 60, "scope": "downstream:read",
    });
    response.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    response
}

fn exchange(provider: &Provider) -> TokenExchange {
    let client = ProviderClient::new(&provider.issuer(), false).unwrap();
    TokenExchange::new(
        &client,
        ExchangeConfig {
            client_id: "http://localhost:9000/mcp".to_owned(),
            client_secret: "a+b:c%".into(),
            audience: "downstream-api".to_owned(),
            scopes: ScopeSet::from(["downstream:read"]),
            token_endpoint: None,
        },
    )
}

/// A caller with a token of the provider.
fn caller(provider: &Provider, change: impl FnOnce(&mut Identity)) -> Principal {
    let mut identity =
        (*test_support::principal("alice", "mcp:tools downstream:read", &[])).clone();
    identity.issuer = provider.issuer();
    change(&mut identity);
    Principal::verified(identity).with_access_token(USER_TOKEN)
}

#[tokio::test]
async fn the_request_is_that_of_rfc_8693_with_the_credentials_form_encoded() {
    let provider = Provider::start(&[]).await;
    provider.set(ENDPOINT, Reply::Json(response(json!({}))));
    let before = now();
    let token = exchange(&provider).exchange(&caller(&provider, |_| {})).await.unwrap();
    assert_eq!(token.expose_secret(), "api.token.signature");
    assert!((before + 60..=now() + 60).contains(&token.expires_at.unwrap()));
    let [(credentials, body)] = &provider.requests(ENDPOINT)[..] else { panic!("one request") };
    // http%3A%2F%2Flocalhost%3A9000%2Fmcp:a%2Bb%3Ac%25
    assert_eq!(
        credentials,
        "Basic aHR0cCUzQSUyRiUyRmxvY2FsaG9zdCUzQTkwMDAlMkZtY3A6YSUyQmIlM0FjJTI1"
    );
    let parameters: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let expected = [
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", USER_TOKEN),
        ("subject_token_type", ACCESS_TOKEN),
        ("requested_token_type", ACCESS_TOKEN),
        ("audience", "downstream-api"),
        ("scope", "downstream:read"),
    ];
    assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_token_that_may_not_leave_is_not_sent() {
    let provider = Provider::start(&[]).await;
    provider.set(ENDPOINT, Reply::Json(response(json!({}))));
    let exchange = exchange(&provider);
    let no_token = Principal::verified((*caller(&provider, |_| {})).clone());
    for (name, caller, expected) in [
        ("no token was kept", no_token, "keep_tokens"),
        (
            "of another issuer",
            caller(&provider, |caller| caller.issuer = "https://other.example.com".to_owned()),
            "tokens of https://other.example.com are not sent to",
        ),
        (
            "bound to a key",
            caller(&provider, |caller| caller.key_thumbprint = Some("x".to_owned())),
            "is bound to a key",
        ),
        (
            "without the scope",
            caller(&provider, |caller| caller.scopes = ScopeSet::from(["mcp:tools"])),
            "lacks downstream:read",
        ),
    ] {
        let error = exchange.exchange(&caller).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert_eq!(provider.count(ENDPOINT), 0);
}

/// The refusals of Keycloak 26.7 and those of the RFCs.
#[tokio::test]
async fn each_refusal_names_the_setting_that_mends_it() {
    #[rustfmt::skip] // one row, one refusal
    let refusals = [
        (403, "access_denied", "Client is not within the token audience", "EXCHANGE_CLIENT_ID must be"),
        (400, "invalid_client", "Audience not found", "check DOWNSTREAM_AUDIENCE"),
        (400, "invalid_request", "Requested audience not available: downstream-api", "audience mapper"),
        (400, "invalid_scope", "Invalid scopes: downstream:read", "check DOWNSTREAM_SCOPE"),
        (400, "invalid_request", "Public client is not allowed to exchange token", "confidential client"),
        (400, "invalid_request", "Standard token exchange is not enabled for the requested client", "standard.token.exchange.enabled"),
        (400, "invalid_request", "Invalid token", "has logged out"),
        (400, "invalid_request", "Sender-constrained token exchange rejected", "DPoP"),
        (401, "unauthorized_client", "Invalid client or Invalid client credentials", "EXCHANGE_CLIENT_SECRET"),
        (401, "invalid_client", "", "EXCHANGE_CLIENT_SECRET"),
        (401, "", "", "EXCHANGE_CLIENT_SECRET"),
        (400, "unauthorized_client", "", "may not exchange tokens"),
        (400, "unsupported_grant_type", "", "does not support token exchange"),
        // RFC 8693, 2.2.2
        (400, "invalid_target", "", "check DOWNSTREAM_AUDIENCE"),
        (400, "invalid_grant", "", "has logged out"),
        (400, "invalid_request", "user.token.signature is odd", "with status 400: "),
        (500, "", "", "with status 500"),
    ];
    for (status, error, error_description, expected) in refusals {
        let provider = Provider::start(&[]).await;
        let body = json!({"error": error, "error_description": error_description});
        provider.set(ENDPOINT, Reply::Error(status, body));
        let found = exchange(&provider).exchange(&caller(&provider, |_| {})).await.unwrap_err();
        let text = found.to_string();
        assert!(text.contains(expected), "{error} {error_description}: {text}");
        for text in [text, found.public_message(), format!("{found:?}")] {
            assert!(!text.contains(USER_TOKEN) && !text.contains("a+b"), "{text}");
        }
        let public = found.public_message();
        assert!(!public.contains("localhost") && !public.contains("EXCHANGE_"), "{public}");
    }
}

#[tokio::test]
async fn a_response_must_be_a_bearer_token_of_the_scope_that_was_asked_for() {
    let long = "x".repeat(16 * 1024 + 1);
    for (name, reply, expected) in [
        ("a wider scope", response(json!({"scope": "downstream:read admin"})), "granted"),
        ("another scope", response(json!({"scope": "openid"})), "granted"),
        ("no scope at all", response(json!({"scope": ""})), "granted"),
        (
            "another type",
            response(json!({"issued_token_type": "urn:ietf:params:oauth:token-type:id_token"})),
            "issued_token_type",
        ),
        ("without its type", response(json!({"issued_token_type": null})), "is not JSON with"),
        ("no access token", response(json!({"token_type": "N_A"})), "token_type"),
        ("a bound token", response(json!({"token_type": "DPoP"})), "token_type"),
        ("the user's own token", response(json!({"access_token": USER_TOKEN})), "own token"),
        ("an empty token", response(json!({"access_token": ""})), "no token exchange response"),
        ("a header", response(json!({"access_token": "x\r\ny: z"})), "no token exchange response"),
        ("a long token", response(json!({"access_token": long})), "no token exchange response"),
        ("a list", json!(["x", ACCESS_TOKEN, "Bearer", 60, null]), "is not JSON with"),
    ] {
        let provider = Provider::start(&[]).await;
        provider.set(ENDPOINT, Reply::Json(reply));
        let error = exchange(&provider).exchange(&caller(&provider, |_| {})).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    for (name, reply) in [
        // RFC 8693, 2.2.1: OPTIONAL, if it is what was asked for.
        ("without scope", response(json!({"scope": null}))),
        // RFC 6749, 5.1
        ("in lower case", response(json!({"token_type": "bearer"}))),
        ("with a refresh token", response(json!({"refresh_token": "x"}))),
    ] {
        let provider = Provider::start(&[]).await;
        provider.set(ENDPOINT, Reply::Json(reply));
        assert!(exchange(&provider).exchange(&caller(&provider, |_| {})).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn calls_with_one_token_share_one_exchange_until_it_is_forgotten() {
    let provider = Provider::start(&[]).await;
    let slow = Reply::Slow(Duration::from_millis(50), Reply::Json(response(json!({}))).into());
    provider.set(ENDPOINT, slow);
    let (exchange, alice) = (exchange(&provider), caller(&provider, |_| {}));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (exchange, alice) = (exchange.clone(), alice.clone());
        calls.spawn(async move { exchange.exchange(&alice).await.is_ok() });
    }
    assert!(calls.join_all().await.into_iter().all(|ok| ok));
    assert!(exchange.exchange(&alice).await.is_ok());
    assert_eq!(provider.count(ENDPOINT), 1, "single flight, then from the cache");
    let bob = alice.clone().with_access_token("bobs.token.signature");
    assert!(exchange.exchange(&bob).await.is_ok());
    assert_eq!(provider.count(ENDPOINT), 2, "another user's token");
    exchange.forget(&alice);
    assert!(exchange.exchange(&alice).await.is_ok());
    assert_eq!(provider.count(ENDPOINT), 3);
}

#[tokio::test]
async fn tokens_that_expire_at_once_are_not_cached_and_refusals_are_for_a_while() {
    for (name, reply, subject_expires_at, requests) in [
        (
            "it expires within the margin",
            Reply::Json(response(json!({"expires_in": 9}))),
            u64::MAX,
            2,
        ),
        ("nobody knows when", Reply::Json(response(json!({"expires_in": null}))), u64::MAX, 2),
        ("the user's own expires", Reply::Json(response(json!({}))), now(), 2),
        ("refused", Reply::Status(400), u64::MAX, 1),
        ("down", Reply::Status(503), u64::MAX, 1),
    ] {
        let provider = Provider::start(&[]).await;
        provider.set(ENDPOINT, reply);
        let (exchange, alice) =
            (exchange(&provider), caller(&provider, |c| c.expires_at = subject_expires_at));
        for _ in 0..2 {
            let _ = exchange.exchange(&alice).await;
        }
        assert_eq!(provider.count(ENDPOINT), requests, "{name}");
    }
}
