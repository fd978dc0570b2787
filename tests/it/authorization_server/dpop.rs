//! Tokens that are bound to a key of the client (RFC 9449, 5, 6 and 10).

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use mcp_auth::{
    auth::{metadata::ProtectedResource, verify::TokenError},
    authorization_server::AuthorizationServer,
};
use serde_json::json;

use super::support::{
    CALLBACK, ISSUER, RESOURCE, TestServer, claims, code_form, keys, query, rejected,
};
use crate::support::dpop::ProofKey;

fn proof(key: &ProofKey) -> String {
    key.proof("POST", "http://localhost:9000/auth/token", None)
}

fn refresh_form(token: &str) -> [(&str, &str); 3] {
    [("grant_type", "refresh_token"), ("client_id", "mcp-test-client"), ("refresh_token", token)]
}

#[tokio::test]
async fn with_a_proof_tokens_are_bound_to_its_key() {
    let (server, key) = (TestServer::new(), ProofKey::generate());
    let path = "/.well-known/oauth-authorization-server";
    let metadata = server.send(Request::get(path).body(Body::empty()).unwrap()).await.json();
    let algorithms = metadata["dpop_signing_alg_values_supported"].as_array().unwrap();
    assert!(algorithms.contains(&json!("ES256")), "{metadata}");

    let code = server.code("alice", &[]).await;
    let response = server.token_with(&[("DPoP", &proof(&key))], &code_form(&code)).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    let tokens = response.json();
    assert_eq!(tokens["token_type"], "DPoP");
    let claims = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(claims["cnf"], json!({"jkt": key.thumbprint()}));
    assert_eq!(server.verify(&tokens).await, Err(TokenError::SenderConstrained));
    assert_eq!(server.verify_sender_constrained(&tokens).await, Ok(()));
}

#[tokio::test]
async fn a_refresh_token_of_a_public_client_is_bound_to_the_key() {
    let (server, key, thief) = (TestServer::new(), ProofKey::generate(), ProofKey::generate());
    let code = server.code("alice", &[]).await;
    let tokens = server.token_with(&[("DPoP", &proof(&key))], &code_form(&code)).await.json();
    let first = tokens["refresh_token"].as_str().unwrap();
    rejected(&server.refresh(first).await, "invalid_grant", "no proof");
    let stolen = server.token_with(&[("DPoP", &proof(&thief))], &refresh_form(first)).await;
    rejected(&stolen, "invalid_grant", "another key");
    // The attempts have revoked nothing, and the successor is bound, too.
    let again = server.token_with(&[("DPoP", &proof(&key))], &refresh_form(first)).await.json();
    assert_eq!(again["token_type"], "DPoP", "{again}");
    rejected(&server.refresh(again["refresh_token"].as_str().unwrap()).await, "invalid_grant", "");
}

#[tokio::test]
async fn a_refresh_token_of_a_confidential_client_is_not_bound() {
    let (server, key) = (TestServer::new(), ProofKey::generate());
    let client = server
        .register(json!({
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_post",
        }))
        .await;
    let text = |member: &str| client[member].as_str().unwrap();
    let code = server.code("alice", &[("client_id", text("client_id"))]).await;
    let credentials = [("client_id", text("client_id")), ("client_secret", text("client_secret"))];
    let form: Vec<_> = code_form(&code)
        .into_iter()
        .filter(|(name, _)| *name != "client_id")
        .chain(credentials)
        .collect();
    let tokens = server.token_with(&[("DPoP", &proof(&key))], &form).await.json();
    assert_eq!(tokens["token_type"], "DPoP", "{tokens}");
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let form: Vec<_> = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)]
        .into_iter()
        .chain(credentials)
        .collect();
    let refreshed = server.token(&form).await.json();
    assert_eq!(refreshed["token_type"], "Bearer", "{refreshed}");
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_that_the_authorization_request_names() {
    let (server, key) = (TestServer::new(), ProofKey::generate());
    let other = ProofKey::generate();
    let jkt = key.thumbprint();
    for (name, proofs, expected) in [
        ("its key", vec![proof(&key)], Ok("DPoP")),
        ("another key", vec![proof(&other)], Err("invalid_grant")),
        ("no proof", vec![], Err("invalid_grant")),
    ] {
        let code = server.code("alice", &[("dpop_jkt", &jkt)]).await;
        let headers: Vec<_> = proofs.iter().map(|proof| ("DPoP", proof.as_str())).collect();
        let response = server.token_with(&headers, &code_form(&code)).await;
        match expected {
            Ok(kind) => assert_eq!(response.json()["token_type"], kind, "{name}"),
            Err(error) => rejected(&response, error, name),
        }
    }
    let response = server.browser().open(&query(&[("dpop_jkt", "short")])).await;
    assert_eq!(response.redirect(CALLBACK)["error"], "invalid_request");
}

#[tokio::test]
async fn a_client_that_always_uses_dpop_gets_no_token_without_a_proof() {
    let (server, key) = (TestServer::new(), ProofKey::generate());
    let client = server
        .register(json!({
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "dpop_bound_access_tokens": true,
        }))
        .await;
    assert_eq!(client["dpop_bound_access_tokens"], true, "{client}");
    let id = client["client_id"].as_str().unwrap();
    let code = server.code("alice", &[("client_id", id)]).await;
    let mut form = code_form(&code);
    form[1].1 = id;
    rejected(&server.token(&form).await, "invalid_dpop_proof", "RFC 9449, 5.2");
    // The code is still there for the client that remembers its proof.
    let tokens = server.token_with(&[("DPoP", &proof(&key))], &form).await.json();
    assert_eq!(tokens["token_type"], "DPoP", "{tokens}");
}

#[tokio::test]
async fn where_no_resource_accepts_bound_tokens_none_is_issued() {
    let resource = ProtectedResource::new(RESOURCE).scopes(["mcp:read", "mcp:tools"]);
    let server = TestServer::with(|_| {
        let host = std::net::Ipv4Addr::LOCALHOST.into();
        AuthorizationServer::new(host, ISSUER, keys()).unwrap().resource(&resource)
    });
    let key = ProofKey::generate();
    let code = server.code("alice", &[("dpop_jkt", &key.thumbprint())]).await;
    let tokens = server.token_with(&[("DPoP", &proof(&key))], &code_form(&code)).await.json();
    assert_eq!(tokens["token_type"], "Bearer", "RFC 9449, 5: {tokens}");
    let metadata = json!({"redirect_uris": [CALLBACK], "dpop_bound_access_tokens": true});
    assert_eq!(server.register(metadata).await.get("dpop_bound_access_tokens"), None);
}

#[tokio::test]
async fn a_wrong_proof_is_rejected_and_leaves_the_code_unused() {
    let (server, key) = (TestServer::new(), ProofKey::generate());
    let code = server.code("alice", &[]).await;
    let once = proof(&key);
    let elsewhere = key.proof("POST", "http://localhost:9000/mcp", None);
    let get = key.proof("GET", "http://localhost:9000/auth/token", None);
    for (name, proofs) in [
        ("another URL", vec![&elsewhere]),
        ("another method", vec![&get]),
        ("two proofs", vec![&once, &once]),
    ] {
        let headers: Vec<_> = proofs.iter().map(|proof| ("DPoP", proof.as_str())).collect();
        let response = server.token_with(&headers, &code_form(&code)).await;
        rejected(&response, "invalid_dpop_proof", name);
    }
    let response = server.token_with(&[("DPoP", &once)], &code_form(&code)).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    let code = server.code("alice", &[]).await;
    let replayed = server.token_with(&[("DPoP", &once)], &code_form(&code)).await;
    rejected(&replayed, "invalid_dpop_proof", "the proof was used before");
}

#[tokio::test]
async fn a_machine_gets_a_bound_token() {
    let (server, key) = (TestServer::new(), ProofKey::generate());
    let client = server
        .register(json!({
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post",
        }))
        .await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("client_secret", client["client_secret"].as_str().unwrap()),
    ];
    let response = server.token_with(&[("DPoP", &proof(&key))], &form).await;
    assert_eq!(response.json()["token_type"], "DPoP", "{response:?}");
}
