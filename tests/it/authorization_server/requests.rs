//! Authorization requests: which come before a person, which go back, and which must not go anywhere.

use axum::http::StatusCode;

use super::support::{CALLBACK, CHALLENGE, ISSUER, STATE, World, encode, query};

#[tokio::test]
async fn a_good_request_comes_before_the_person() {
    let world = World::new();
    for (what, changes) in [
        ("as it is", &[][..]),
        ("no scope", &[("scope", "")]),
        ("no resource", &[("resource", "")]),
        ("no state", &[("state", "")]),
        ("any loopback port", &[("redirect_uri", "http://127.0.0.1:1/callback")]),
        ("the other resource", &[("resource", ISSUER)]),
        ("its slash", &[("resource", "http://localhost:9000/")]),
        ("something new", &[("prompt", "consent"), ("nonce", "1")]),
    ] {
        let answer = world.browser().open(&query(changes)).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}: {answer:?}");
        assert!(answer.text.contains("<h1>Sign in</h1>"), "{what}");
    }
}

#[tokio::test]
async fn mistakes_of_the_client_go_back_to_it_with_state_and_issuer() {
    let world = World::new();
    for (what, changes, error) in [
        ("no response_type", &[("response_type", "")][..], "invalid_request"),
        ("token", &[("response_type", "token")], "unsupported_response_type"),
        ("no PKCE", &[("code_challenge", "")], "invalid_request"),
        ("plain PKCE", &[("code_challenge_method", "plain")], "invalid_request"),
        ("plain PKCE, unsaid", &[("code_challenge_method", "")], "invalid_request"),
        ("a short challenge", &[("code_challenge", "abc")], "invalid_request"),
        (
            "a strange challenge",
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
        let answer = world.browser().open(&query(changes)).await;
        let parameters = answer.redirect(CALLBACK);
        assert_eq!(parameters["error"], error, "{what}");
        assert_eq!(parameters["state"], STATE, "{what}");
        assert_eq!(parameters["iss"], ISSUER, "{what}");
        assert!(!parameters.contains_key("code"), "{what}");
    }
}

#[tokio::test]
async fn where_nobody_is_known_to_answer_nobody_is_sent() {
    let world = World::new();
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
        let answer = world.browser().open(&query(changes)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
        assert_eq!(answer.header("location"), "", "{what}");
        assert!(answer.header("content-type").starts_with("text/html"), "{what}");
    }
    // Not even when something else is wrong, too.
    let answer = world
        .browser()
        .open(&query(&[("redirect_uri", "https://evil.example/"), ("scope", "x")]))
        .await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""));
    let long = format!("{}&pad={}", query(&[]), "x".repeat(9000));
    assert_eq!(world.browser().open(&long).await.status, StatusCode::URI_TOO_LONG);
}

/// RFC 9700, 4.11.2: whoever registers a place and sends people a link to us must not have them arrive there by it.
#[tokio::test]
async fn before_anybody_has_logged_in_nobody_is_sent_to_a_strangers_site() {
    let world = World::new();
    for (uri, redirected) in [
        ("https://phishing.example/login", false),
        ("https://localhost:8443/cb", false),
        ("http://127.0.0.1/cb", true),
    ] {
        let body = format!(r#"{{"redirect_uris":["{uri}"],"token_endpoint_auth_method":"none"}}"#);
        let client = world.post_json("/auth/register", body).await.json();
        let id = client["client_id"].as_str().unwrap();
        let query = encode(&[("response_type", "code"), ("client_id", id), ("state", "a&b\"<")]);
        let answer = world.browser().open(&query).await;
        if redirected {
            assert_eq!(answer.redirect(uri)["error"], "invalid_request");
            continue;
        }
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""));
        // The person may go there, and the client then hears what it would have.
        let link = answer.text.split("href=\"").find(|part| part.starts_with(uri)).unwrap();
        let link = link.split('"').next().unwrap().replace("&#38;", "&");
        assert!(link.contains("?error=invalid_request&error_description="), "{link}");
        assert!(link.contains("&state=a%26b%22%3C&iss="), "{link}");
        let site = uri.split('/').take(3).collect::<Vec<_>>().join("/");
        assert!(answer.text.contains(&format!("Go on to {site}")), "{answer:?}");
    }
}

#[tokio::test]
async fn a_client_gets_no_scope_that_it_did_not_register() {
    let world = World::new();
    let body = r#"{"redirect_uris":["https://app.example/cb"],"scope":"mcp:read","token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}"#;
    let id = world.post_json("/auth/register", body).await.json()["client_id"]
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
        let world = world.clone();
        async move { world.browser().open(&query).await }
    };
    let refused = ask("mcp:read mcp:tools").await;
    assert!(refused.text.contains("error=invalid_scope"), "{refused:?}");
    assert_eq!(
        ask("mcp:read offline_access").await.status,
        StatusCode::OK,
        "a client that refreshes may ask to"
    );
    assert_eq!(ask("").await.status, StatusCode::OK);
}
