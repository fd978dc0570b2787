//! Many tokens and one application: a router behind the bearer authentication of step 6, without a port.
//!
//! The verifier trusts two issuers, each with its own key and its own audience, and must not mix them up.

mod accepted;
mod anonymous;
mod cache;
mod claims;
mod dpop;
pub(crate) mod forge;
mod issuers;
mod policy_layer;
mod signatures;

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use mcp_auth::{
    auth::{
        bearer::BearerAuth,
        challenge::Challenge,
        keys::KeyPair,
        verify::{TokenVerifier, TrustedIssuer},
    },
    mcp::{dispatcher::Dispatcher, endpoint::Endpoint, lifecycle},
};
use serde_json::Value;
use tower::ServiceExt;

use super::support;
use forge::Forge;

const OTHER_ISSUER: &str = "https://login.example.com";
const OTHER_AUDIENCE: &str = "https://mcp.example.com/mcp";

/// Signs for the first issuer.
static OURS: LazyLock<Forge> = LazyLock::new(|| Forge::new(support::private_pem()));

/// The other issuer: its key pair, and what signs for it.
static OTHER: LazyLock<(KeyPair, Forge)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = KeyPair::create(folder.path()).expect("a key pair");
    let pem = std::fs::read_to_string(folder.path().join("mcp_private_key.pem")).expect("a file");
    (pair, Forge::new(&pem))
});

/// A key pair that no verifier trusts.
static UNTRUSTED: LazyLock<(KeyPair, Forge)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = KeyPair::create(folder.path()).expect("a key pair");
    let pem = std::fs::read_to_string(folder.path().join("mcp_private_key.pem")).expect("a file");
    (pair, Forge::new(&pem))
});

fn app() -> Router {
    let verifier = TokenVerifier::new()
        .trust(TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &support::key_pair().jwks()))
        .trust(TrustedIssuer::new(OTHER_ISSUER, [OTHER_AUDIENCE], &OTHER.0.jwks()));
    let auth = BearerAuth::new(verifier, Challenge::bearer("mcp-server"));
    let methods = Dispatcher::new().method("ping", lifecycle::ping);
    Router::new().route("/mcp", Endpoint::new(methods).routes().route_layer(auth))
}

/// The response to `ping` with this token: the name of the caller, or the detail of the 401.
async fn authenticate(app: &Router, token: &str) -> Result<String, String> {
    let request = Request::post("/mcp")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#))
        .expect("a request");
    let response = app.clone().oneshot(request).await.expect("an answer");
    let status = response.status();
    let challenge = response.headers().get(header::WWW_AUTHENTICATE).cloned();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    if status == StatusCode::OK {
        return Ok(body["result"]["_meta"]["user"].as_str().expect("a name").to_owned());
    }
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
    let detail = body["detail"].as_str().expect("a detail").to_owned();
    let challenge = challenge.expect("a challenge");
    let challenge = challenge.to_str().expect("text");
    assert_eq!(
        challenge,
        format!(
            r#"Bearer realm="mcp-server", error="invalid_token", error_description="{detail}""#
        ),
        "the challenge says what the body says, and no more"
    );
    Err(detail)
}

/// Sends each token of a table, and reports all rows that fail at once.
async fn each(rows: Vec<(&str, String, Result<&str, &str>)>) {
    let app = app();
    let mut wrong = Vec::new();
    for (name, token, expected) in rows {
        let answer = authenticate(&app, &token).await;
        let answer = answer.as_deref().map_err(String::as_str);
        if answer != expected {
            wrong.push(format!("{name}: expected {expected:?}, got {answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Claims of a valid token for alice, changed.
fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = support::claims("alice", "mcp:tools");
    change(&mut claims);
    claims
}

/// The same with one claim set to another value.
fn set(claim: &str, value: Value) -> Value {
    with(|claims| claims[claim] = value)
}

/// The same without a claim.
fn without(claim: &str) -> Value {
    with(|claims| {
        claims.as_object_mut().expect("an object").remove(claim);
    })
}
