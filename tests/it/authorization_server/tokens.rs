//! The token endpoint: authorization codes.

use axum::http::StatusCode;
use mcp_auth::auth::verify::TokenError;

use super::support::{
    CHALLENGE, ISSUER, RESOURCE, TestServer, claims, code_form, encode, rejected,
};

#[tokio::test]
async fn a_code_is_bound_to_client_redirect_uri_and_verifier() {
    let server = TestServer::new();
    let other = server
        .post_json(
            "/auth/register",
            r#"{"redirect_uris":["http://localhost/cb"],"token_endpoint_auth_method":"none"}"#,
        )
        .await;
    let other = other.json()["client_id"].as_str().unwrap().to_owned();
    for (what, name, value, error) in [
        (
            "wrong verifier",
            "code_verifier",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX",
            "invalid_grant",
        ),
        ("the challenge as verifier", "code_verifier", CHALLENGE, "invalid_grant"),
        ("another redirect URI", "redirect_uri", "http://127.0.0.1:3761/callback", "invalid_grant"),
        ("another client", "client_id", other.as_str(), "invalid_grant"),
    ] {
        let code = server.code("alice", &[]).await;
        let mut form: Vec<_> = code_form(&code).into_iter().filter(|(n, _)| *n != name).collect();
        form.push((name, value));
        rejected(&server.token(&form).await, error, what);
        rejected(&server.exchange(&code).await, "invalid_grant", "it is used up");
    }
    for (what, resource, form_resource) in
        [("the same", RESOURCE, RESOURCE), ("absent", RESOURCE, ""), ("the default", "", RESOURCE)]
    {
        let code = server.code("alice", &[("resource", resource)]).await;
        let mut form = code_form(&code).to_vec();
        form.push(("resource", form_resource));
        let response = server.token(&form).await;
        assert_eq!(
            claims(response.json()["access_token"].as_str().unwrap())["aud"],
            RESOURCE,
            "{what}"
        );
    }
}

/// The request is validated before the code is used up, so that a client can correct it.
#[tokio::test]
async fn a_wrong_resource_does_not_use_up_the_code() {
    let server = TestServer::new();
    for resource in [ISSUER, "https://evil.example/mcp"] {
        let code = server.code("alice", &[]).await;
        let form = [&code_form(&code)[..], &[("resource", resource)]].concat();
        rejected(&server.token(&form).await, "invalid_target", resource);
        let tokens = server.exchange(&code).await.json();
        assert_eq!(server.verify(&tokens).await, Ok(()), "{resource}: {tokens}");
    }
}

#[tokio::test]
async fn a_code_for_two_resources_can_be_used_for_one() {
    let server = TestServer::new();
    let code = server.code("alice", &[("resource", RESOURCE), ("resource", ISSUER)]).await;
    let tokens = server.exchange(&code).await.json();
    let both = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(both["aud"], serde_json::json!([RESOURCE, ISSUER]));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "mcp-test-client"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("resource", ISSUER),
    ];
    let one = server.token(&form).await.json();
    assert_eq!(claims(one["access_token"].as_str().unwrap())["aud"], ISSUER);
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let server = TestServer::new();
    let code = server.code("alice", &[]).await;
    server.advance(59);
    assert_eq!(server.exchange(&code).await.status, StatusCode::OK);
    let code = server.code("alice", &[]).await;
    server.advance(60);
    rejected(&server.exchange(&code).await, "invalid_grant", "expired");
}

#[tokio::test]
async fn a_code_that_is_used_twice_revokes_its_tokens() {
    let server = TestServer::new();
    let code = server.code("alice", &[]).await;
    let first = server.exchange(&code).await.json();
    let other = server.exchange(&server.code("alice", &[]).await).await.json();
    assert_eq!(server.verify(&first).await, Ok(()));
    rejected(&server.exchange(&code).await, "invalid_grant", "replay");
    assert_eq!(server.verify(&first).await, Err(TokenError::Revoked), "even if cached");
    assert_eq!(server.verify(&other).await, Ok(()), "other grants stay valid");
    // The code outlives the access token that it gave, because the refresh token does.
    let late = server.code("alice", &[]).await;
    let tokens = server.exchange(&late).await.json();
    server.advance(13 * 24 * 3600);
    rejected(&server.exchange(&late).await, "invalid_grant", "replay, days later");
    rejected(
        &server.refresh(tokens["refresh_token"].as_str().unwrap()).await,
        "invalid_grant",
        "revoked, days later",
    );
    rejected(
        &server.refresh(first["refresh_token"].as_str().unwrap()).await,
        "invalid_grant",
        "revoked",
    );
}

#[tokio::test]
async fn a_malformed_request_is_rejected_with_the_reason() {
    let server = TestServer::new();
    let code = "x";
    let valid = code_form(code);
    let without =
        |name: &str| valid.iter().copied().filter(|(n, _)| *n != name).collect::<Vec<_>>();
    let with = |name: &'static str, value: &'static str| {
        let mut form = without(name);
        form.push((name, value));
        form
    };
    for (what, form, error) in [
        ("nothing", vec![], "invalid_request"),
        ("no grant_type", without("grant_type"), "invalid_request"),
        ("password", with("grant_type", "password"), "unsupported_grant_type"),
        ("no client", without("client_id"), "invalid_request"),
        ("no code", without("code"), "invalid_request"),
        ("no verifier", without("code_verifier"), "invalid_request"),
        ("no refresh token", with("grant_type", "refresh_token"), "invalid_request"),
        ("twice", [without(""), vec![("code", "y")]].concat(), "invalid_request"),
        ("unknown client", with("client_id", "nobody"), "invalid_client"),
        ("a secret of a public client", with("client_secret", "x"), "invalid_client"),
        ("unknown code", valid.to_vec(), "invalid_grant"),
    ] {
        rejected(&server.token(&form).await, error, what);
    }
    let form = encode(&valid);
    let json = server.post_json("/auth/token", "{}").await;
    rejected(&json, "invalid_request", "JSON");
    let large = server.token(&[("grant_type", &"x".repeat(20_000)), ("code", &form)]).await;
    assert_eq!(
        (large.status, large.json()["error"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("invalid_request"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_exchanges_of_one_code_leave_no_valid_token() {
    let server = TestServer::new();
    let code = server.code("alice", &[]).await;
    let attempts = (0..16).map(|_| {
        let (server, code) = (server.clone(), code.clone());
        tokio::spawn(async move { server.exchange(&code).await })
    });
    let attempts: Vec<_> = attempts.collect();
    let mut issued = Vec::new();
    for attempt in attempts {
        let response = attempt.await.unwrap();
        if response.status == StatusCode::OK {
            issued.push(response.json());
        }
    }
    assert!(issued.len() <= 1, "{issued:?}");
    for tokens in &issued {
        assert_eq!(server.verify(tokens).await, Err(TokenError::Revoked));
        let refresh = tokens["refresh_token"].as_str().unwrap();
        rejected(&server.refresh(refresh).await, "invalid_grant", "revoked");
    }
}
