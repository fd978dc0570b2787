//! What the provider is asked for, and which of its answers are used.

use std::time::Duration;

use mcp_auth::{
    auth::{
        identity_provider::IdentityProvider,
        metadata::ProtectedResource,
        provider::ProviderClient,
        token_exchange::{ExchangeConfig, TokenExchange},
        verify::TokenVerifier,
    },
    principal::{Principal, ScopeSet},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Provider, Reply, SigningKey, TOKEN_ENDPOINT};
use crate::support::now;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

fn response(more: Value) -> Value {
    let mut response = json!({
        "access_token": "api.token.signature", "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer",
        "expires_in": 60, "scope": "downstream:read",
    });
    response.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    response
}

/// A provider, its key, and the exchange of its tokens.
struct Exchange {
    key: SigningKey,
    provider: Provider,
    exchange: TokenExchange,
}

impl Exchange {
    /// The provider answers an exchange with `reply`.
    async fn new(reply: Reply) -> Self {
        let key = SigningKey::new(jsonwebtoken::Algorithm::ES256, "key-1");
        let provider = Provider::start(&[&key]).await;
        provider.set(TOKEN_ENDPOINT, reply);
        let exchange = new_exchange(&provider);
        Self { key, provider, exchange }
    }

    /// A caller whose token the verifier keeps, and the token.
    async fn caller(&self, change: impl FnOnce(&mut Value)) -> (Principal, String) {
        let mut claims = self.provider.claims("mcp:tools downstream:read");
        change(&mut claims);
        let token = self.key.sign(&claims);
        let verifier = self.verifier().keep_tokens(true);
        let caller = match claims.get("cnf") {
            Some(_) => verifier.verify_sender_constrained(&token).await,
            None => verifier.verify(&token).await,
        };
        (caller.expect("a valid token"), token)
    }

    fn verifier(&self) -> TokenVerifier {
        let resource = ProtectedResource::new("http://localhost:9000/mcp");
        let provider = IdentityProvider::new(&self.provider.issuer(), false).unwrap();
        let provider = provider.audiences(&["echo-mcp-server".to_owned()]);
        TokenVerifier::new().trust(provider.trusted_issuer(&resource))
    }
}

fn new_exchange(provider: &Provider) -> TokenExchange {
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

#[tokio::test]
async fn the_request_is_that_of_rfc_8693_with_the_credentials_form_encoded() {
    let scene = Exchange::new(Reply::Json(response(json!({})))).await;
    let (caller, user_token) = scene.caller(|_| {}).await;
    let before = now();
    let token = scene.exchange.exchange(&caller).await.unwrap();
    assert_eq!(token.expose_secret(), "api.token.signature");
    assert!((before + 60..=now() + 60).contains(&token.expires_at.unwrap()));
    assert!(!format!("{token:?} {caller:?} {:?}", scene.exchange).contains("signature"));
    let [(credentials, body)] = &scene.provider.requests(TOKEN_ENDPOINT)[..] else {
        panic!("one request")
    };
    // http%3A%2F%2Flocalhost%3A9000%2Fmcp:a%2Bb%3Ac%25 (RFC 6749, 2.3.1)
    assert_eq!(
        credentials,
        "Basic aHR0cCUzQSUyRiUyRmxvY2FsaG9zdCUzQTkwMDAlMkZtY3A6YSUyQmIlM0FjJTI1"
    );
    let parameters: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", &user_token),
        ("subject_token_type", ACCESS_TOKEN),
        ("requested_token_type", ACCESS_TOKEN),
        ("audience", "downstream-api"),
        ("scope", "downstream:read"),
    ];
    assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_token_that_may_not_leave_is_not_sent() {
    let scene = Exchange::new(Reply::Json(response(json!({})))).await;
    let token = scene.key.sign(&scene.provider.claims("mcp:tools downstream:read"));
    let not_kept = scene.verifier().verify(&token).await.unwrap();
    let other = Exchange::new(Reply::Status(404)).await;
    let thumbprint = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"});
    for (name, (caller, _), expected) in [
        ("not kept", (not_kept, token), "keep_tokens"),
        ("of another issuer", other.caller(|_| {}).await, "are not sent to"),
        (
            "bound to a key",
            scene.caller(|claims| claims["cnf"] = thumbprint).await,
            "is bound to a key",
        ),
        (
            "without the scope",
            scene.caller(|claims| claims["scope"] = "mcp:tools".into()).await,
            "lacks downstream:read",
        ),
    ] {
        let error = scene.exchange.exchange(&caller).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert_eq!(scene.provider.count(TOKEN_ENDPOINT), 0);
}

/// The refusals of Keycloak 26.7 and those of the RFCs.
#[tokio::test]
async fn each_refusal_names_the_setting_that_mends_it() {
    #[rustfmt::skip] // one row, one refusal
    let refusals = [
        (403, "access_denied", "Client is not within the token audience", "EXCHANGE_CLIENT_ID must be"),
        (400, "invalid_client", "Audience not found", "check DOWNSTREAM_AUDIENCE"),
        (400, "invalid_request", "Requested audience not available: downstream-api", "audience mapper"),
        (400, "invalid_scope", "Scopes [downstream:read] not present in the initial access token [openid]", "check DOWNSTREAM_SCOPE"),
        (400, "invalid_request", "Public client is not allowed to exchange token", "confidential client"),
        (400, "invalid_request", "Standard token exchange is not enabled for the requested client", "standard.token.exchange.enabled"),
        (400, "invalid_request", "Invalid token", "has logged out"),
        (400, "invalid_request", "Assertion contains an invalid access token", "has logged out"),
        (400, "invalid_request", "Sender-constrained token exchange rejected", "DPoP"),
        (401, "unauthorized_client", "Invalid client or Invalid client credentials", "EXCHANGE_CLIENT_SECRET"),
        (401, "invalid_client", "", "EXCHANGE_CLIENT_SECRET"),
        (401, "", "", "EXCHANGE_CLIENT_SECRET"),
        (400, "unauthorized_client", "", "may not exchange tokens"),
        (400, "unsupported_grant_type", "", "does not support token exchange"),
        // RFC 8693, 2.2.2
        (400, "invalid_target", "", "check DOWNSTREAM_AUDIENCE"),
        (400, "invalid_grant", "", "has logged out"),
        (400, "invalid_request", "Missing parameter", "with status 400: invalid_request Missing parameter"),
        (500, "", "", "with status 500"),
    ];
    for (status, error, error_description, expected) in refusals {
        let body = json!({"error": error, "error_description": error_description});
        let scene = Exchange::new(Reply::Error(status, body)).await;
        let (caller, user_token) = scene.caller(|_| {}).await;
        let found = scene.exchange.exchange(&caller).await.unwrap_err();
        let text = found.to_string();
        assert!(text.contains(expected), "{error} {error_description}: {text}");
        for text in [text, found.public_message(), format!("{found:?}")] {
            assert!(!text.contains(&user_token) && !text.contains("a+b"), "{text}");
        }
        let public = found.public_message();
        assert!(!public.contains("localhost") && !public.contains("EXCHANGE_"), "{public}");
    }
}

#[tokio::test]
async fn a_refusal_never_shows_a_secret_that_the_provider_repeats() {
    let scene = Exchange::new(Reply::Status(400)).await;
    let (caller, user_token) = scene.caller(|_| {}).await;
    let claims = user_token.split('.').nth(1).unwrap();
    for secret in [&user_token, "a+b:c%", claims] {
        let body = json!({"error": "odd", "error_description": format!("{secret} is odd")});
        scene.provider.set(TOKEN_ENDPOINT, Reply::Error(400, body));
        let error = new_exchange(&scene.provider).exchange(&caller).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{error}");
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
        ("an empty token", response(json!({"access_token": ""})), "no token exchange response"),
        ("a header", response(json!({"access_token": "x\r\ny: z"})), "no token exchange response"),
        ("a long token", response(json!({"access_token": long})), "no token exchange response"),
        ("a list", json!(["x", ACCESS_TOKEN, "Bearer", 60, null]), "is not JSON with"),
    ] {
        let scene = Exchange::new(Reply::Json(reply)).await;
        let error = scene.exchange.exchange(&scene.caller(|_| {}).await.0).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    for (name, reply) in [
        // RFC 8693, 2.2.1: OPTIONAL, if it is what was asked for.
        ("without scope", response(json!({"scope": null}))),
        // RFC 6749, 5.1
        ("in lower case", response(json!({"token_type": "bearer"}))),
        ("with a refresh token", response(json!({"refresh_token": "x"}))),
    ] {
        let scene = Exchange::new(Reply::Json(reply)).await;
        assert!(scene.exchange.exchange(&scene.caller(|_| {}).await.0).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_response_with_the_users_own_token_is_not_used() {
    let scene = Exchange::new(Reply::Status(404)).await;
    let (caller, user_token) = scene.caller(|_| {}).await;
    let same = Reply::Json(response(json!({"access_token": user_token})));
    scene.provider.set(TOKEN_ENDPOINT, same);
    let error = scene.exchange.exchange(&caller).await.unwrap_err().to_string();
    assert!(error.contains("is the caller's own token"), "{error}");
}

#[tokio::test]
async fn calls_with_one_token_share_one_exchange() {
    let reply = Reply::Json(response(json!({})));
    let scene = Exchange::new(Reply::Slow(Duration::from_millis(50), reply.into())).await;
    let (alice, _) = scene.caller(|_| {}).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (exchange, alice) = (scene.exchange.clone(), alice.clone());
        calls.spawn(async move { exchange.exchange(&alice).await.is_ok() });
    }
    assert!(calls.join_all().await.into_iter().all(|ok| ok));
    assert!(scene.exchange.exchange(&alice).await.is_ok());
    assert_eq!(scene.provider.count(TOKEN_ENDPOINT), 1, "single flight, then from the cache");
    let (bob, _) = scene.caller(|claims| claims["sub"] = "bob".into()).await;
    assert!(scene.exchange.exchange(&bob).await.is_ok());
    assert_eq!(scene.provider.count(TOKEN_ENDPOINT), 2, "another user's token");
}

#[tokio::test]
async fn tokens_that_expire_at_once_are_not_cached_and_refusals_are_for_a_while() {
    let reply = |more: Value| Reply::Json(response(more));
    for (name, reply, subject_expires_at, requests) in [
        ("it expires within the margin", reply(json!({"expires_in": 9})), now() + 300, 2),
        ("nobody knows when", reply(json!({"expires_in": null})), now() + 300, 2),
        // Valid for five more seconds, by the leeway of the verifier.
        ("the user's own has expired", reply(json!({})), now() - 1, 2),
        ("refused", Reply::Status(400), now() + 300, 1),
        ("down", Reply::Status(503), now() + 300, 1),
    ] {
        let scene = Exchange::new(reply).await;
        let (caller, _) = scene.caller(|claims| claims["exp"] = subject_expires_at.into()).await;
        for _ in 0..2 {
            let _ = scene.exchange.exchange(&caller).await;
        }
        assert_eq!(scene.provider.count(TOKEN_ENDPOINT), requests, "{name}");
    }
}
