//! Authorization requests: which are shown to the user, which errors go to the client, and which to nobody.

use axum::http::StatusCode;

use super::support::{CALLBACK, CHALLENGE, ISSUER, STATE, TestServer, encode, query};

#[tokio::test]
async fn a_valid_request_is_shown_to_the_user() {
    let server = TestServer::new();
    for (what, changes) in [
        ("as it is", &[][..]),
        ("no scope", &[("scope", "")]),
        ("no resource", &[("resource", "")]),
        ("no state", &[("state", "")]),
        ("any loopback port", &[("redirect_uri", "http://127.0.0.1:1/callback")]),
        ("another resource", &[("resource", ISSUER)]),
        ("its slash", &[("resource", "http://localhost:9000/")]),
        ("something new", &[("prompt", "consent"), ("nonce", "1")]),
    ] {
        let response = server.browser().open(&query(changes)).await;
        assert_eq!(response.status, StatusCode::OK, "{what}: {response:?}");
        assert!(response.text.contains("<h1>Sign in</h1>"), "{what}");
    }
}

#[tokio::test]
async fn errors_go_to_the_client_with_state_and_issuer() {
    let server = TestServer::new();
    for (what, changes, error) in [
        ("no response_type", &[("response_type", "")][..], "invalid_request"),
        ("token", &[("response_type", "token")], "unsupported_response_type"),
        ("no PKCE", &[("code_challenge", "")], "invalid_request"),
        ("plain PKCE", &[("code_challenge_method", "plain")], "invalid_request"),
        ("plain PKCE by default", &[("code_challenge_method", "")], "invalid_request"),
        ("a short challenge", &[("code_challenge", "abc")], "invalid_request"),
        (
            "a challenge in base64",
            &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")],
            "invalid_request",
        ),
        ("an unknown resource", &[("resource", "http://localhost:9000/other")], "invalid_target"),
        (
            "another server's resource",
            &[("resource", "https://evil.example/mcp")],
            "invalid_target",
        ),
        (
            "one of two is unknown",
            &[("resource", ISSUER), ("resource", "https://evil.example/mcp")],
            "invalid_target",
        ),
        ("an unknown scope", &[("scope", "mcp:read mcp:everything")], "invalid_scope"),
        ("scope twice", &[("scope", "mcp:read"), ("scope", "mcp:tools")], "invalid_request"),
        ("a request object", &[("request", "e30.e30.")], "request_not_supported"),
        ("its URL", &[("request_uri", "https://a.example/")], "request_uri_not_supported"),
    ] {
        let response = server.browser().open(&query(changes)).await;
        let parameters = response.redirect(CALLBACK);
        assert_eq!(parameters["error"], error, "{what}");
        assert_eq!(parameters["state"], STATE, "{what}");
        assert_eq!(parameters["iss"], ISSUER, "{what}");
        assert!(!parameters.contains_key("code"), "{what}");
    }
}

#[tokio::test]
async fn without_a_registered_redirect_uri_there_is_no_redirect() {
    let server = TestServer::new();
    for (what, changes) in [
        ("no client", &[("client_id", "")][..]),
        ("unknown client", &[("client_id", "nobody")]),
        ("client twice", &[("client_id", "mcp-test-client"), ("client_id", "other")]),
        ("no redirect_uri", &[("redirect_uri", "")]),
        (
            "redirect_uri twice",
            &[("redirect_uri", CALLBACK), ("redirect_uri", "https://evil.example/")],
        ),
        ("foreign host", &[("redirect_uri", "https://evil.example/callback")]),
        ("foreign path", &[("redirect_uri", "http://127.0.0.1:3760/other")]),
        ("look-alike", &[("redirect_uri", "http://127.0.0.1:3760@evil.example/callback")]),
        ("look-alike name", &[("redirect_uri", "http://localhost.evil.example/callback")]),
        ("more path", &[("redirect_uri", "http://127.0.0.1:3760/callback/../x")]),
        ("a query", &[("redirect_uri", "http://127.0.0.1:3760/callback?next=evil")]),
        ("another scheme", &[("redirect_uri", "javascript:alert(1)")]),
    ] {
        let response = server.browser().open(&query(changes)).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{what}");
        assert_eq!(response.header("location"), "", "{what}");
        assert!(response.header("content-type").starts_with("text/html"), "{what}");
    }
    // Not even for another error.
    let response = server
        .browser()
        .open(&query(&[("redirect_uri", "https://evil.example/"), ("scope", "x")]))
        .await;
    assert_eq!((response.status, response.header("location")), (StatusCode::BAD_REQUEST, ""));
    let long = format!("{}&pad={}", query(&[]), "x".repeat(9000));
    assert_eq!(server.browser().open(&long).await.status, StatusCode::URI_TOO_LONG);
}

/// RFC 9700, 4.11.2: a link to this server must not lead to a site that registered itself.
#[tokio::test]
async fn before_login_there_is_no_redirect_to_a_self_registered_site() {
    let server = TestServer::new();
    for (uri, redirected) in [
        ("https://phishing.example/login", false),
        ("https://localhost:8443/cb", false),
        ("http://127.0.0.1/cb", true),
    ] {
        let body = format!(r#"{{"redirect_uris":["{uri}"],"token_endpoint_auth_method":"none"}}"#);
        let client = server.post_json("/auth/register", body).await.json();
        let id = client["client_id"].as_str().unwrap();
        let query = encode(&[("response_type", "code"), ("client_id", id), ("state", "a&b\"<")]);
        let response = server.browser().open(&query).await;
        if redirected {
            assert_eq!(response.redirect(uri)["error"], "invalid_request");
            continue;
        }
        assert_eq!((response.status, response.header("location")), (StatusCode::BAD_REQUEST, ""));
        // The user can go there, and the client then gets the error.
        let link = response.text.split("href=\"").find(|part| part.starts_with(uri)).unwrap();
        let link = link.split('"').next().unwrap().replace("&#38;", "&");
        assert!(link.contains("?error=invalid_request&error_description="), "{link}");
        assert!(link.contains("&state=a%26b%22%3C&iss="), "{link}");
        let host = uri.split('/').take(3).collect::<Vec<_>>().join("/");
        assert!(response.text.contains(&format!("Continue to {host}")), "{response:?}");
    }
}

#[tokio::test]
async fn a_client_gets_no_scope_that_it_did_not_register_for() {
    let server = TestServer::new();
    let body = r#"{"redirect_uris":["https://app.example/cb"],"scope":"mcp:read","token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}"#;
    let id = server.post_json("/auth/register", body).await.json()["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ask = |scope: &'static str| {
        let query = encode(&[
            ("response_type", "code"),
            ("client_id", &id),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("scope", scope),
        ]);
        let server = server.clone();
        async move { server.browser().open(&query).await }
    };
    let rejected = ask("mcp:read mcp:tools").await;
    assert!(rejected.text.contains("error=invalid_scope"), "{rejected:?}");
    assert_eq!(
        ask("mcp:read offline_access").await.status,
        StatusCode::OK,
        "a client that registered for refresh tokens may ask for one"
    );
    assert_eq!(ask("").await.status, StatusCode::OK);
}
