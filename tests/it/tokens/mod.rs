//! Many tokens at one door: a router with the wall of step 6, without a port.
//!
//! The wall trusts two issuers, each with its own key and its own audience, and must not mix them up.

mod accepted;
mod claims;
pub(crate) mod forge;
mod memory;
mod signatures;

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::post,
};
use http_body_util::BodyExt;
use mcp_auth::{
    auth::{
        bearer::BearerAuth,
        challenge::Challenge,
        keys::KeyPair,
        verify::{TokenVerifier, TrustedIssuer},
    },
    mcp::{dispatcher::Dispatcher, lifecycle, transport},
};
use serde_json::Value;
use tower::ServiceExt;

use super::support;
use forge::Forge;

const OTHER_ISSUER: &str = "https://login.example.com";
const OTHER_AUDIENCE: &str = "https://mcp.example.com/mcp";

/// What our own issuer signs with.
static OURS: LazyLock<Forge> = LazyLock::new(|| Forge::new(support::private_pem()));

/// The other issuer: its published half, and what it signs with.
static OTHER: LazyLock<(KeyPair, Forge)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = KeyPair::create(folder.path()).expect("a key pair");
    let pem = std::fs::read_to_string(folder.path().join("mcp_private_key.pem")).expect("a file");
    (pair, Forge::new(&pem))
});

/// Somebody's key, which nobody trusts.
static STRANGER: LazyLock<(KeyPair, Forge)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = KeyPair::create(folder.path()).expect("a key pair");
    let pem = std::fs::read_to_string(folder.path().join("mcp_private_key.pem")).expect("a file");
    (pair, Forge::new(&pem))
});

fn door() -> Router {
    let verifier = TokenVerifier::new()
        .trust(TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &support::key_pair().jwks()))
        .trust(TrustedIssuer::new(OTHER_ISSUER, [OTHER_AUDIENCE], &OTHER.0.jwks()));
    let auth = BearerAuth::new(verifier, Challenge::bearer("mcp-server"));
    let methods = Dispatcher::new().method("ping", lifecycle::ping);
    Router::new().route("/mcp", post(transport::handle).with_state(methods).route_layer(auth))
}

/// What the door says to `ping` with this token: the name of the caller, or the detail of the 401.
async fn knock(door: &Router, token: &str) -> Result<String, String> {
    let request = Request::post("/mcp")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#))
        .expect("a request");
    let response = door.clone().oneshot(request).await.expect("an answer");
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

/// Knocks with each token of a table, and reports all rows that do not hold at once.
async fn each(rows: Vec<(&str, String, Result<&str, &str>)>) {
    let door = door();
    let mut wrong = Vec::new();
    for (name, token, expected) in rows {
        let answer = knock(&door, &token).await;
        let answer = answer.as_deref().map_err(String::as_str);
        if answer != expected {
            wrong.push(format!("{name}: expected {expected:?}, got {answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Claims of a good token for alice, changed.
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
