//! The forms of login and consent: a decision is bound to what was shown and to the session that it was shown in.

use axum::http::StatusCode;

use super::support::{CALLBACK, ISSUER, TestServer, query};

/// The form belongs to what the page showed: a decision about one request cannot be used for another.
#[tokio::test]
async fn a_decision_counts_only_for_the_request_that_was_shown() {
    let server = TestServer::new();
    let shown = query(&[("scope", "mcp:read")]);
    let mut browser = server.browser();
    let csrf_token = browser.log_in(&shown, "alice").await.field("csrf_token");
    let form = [("csrf_token", &*csrf_token), ("decision", "allow"), ("scope", "mcp:tools")];
    for (what, changes) in [
        ("scope", [("scope", "mcp:read mcp:tools")]),
        ("redirect_uri", [("redirect_uri", "http://127.0.0.1:1/callback")]),
        ("resource", [("resource", ISSUER)]),
        ("state", [("state", "other")]),
        ("code_challenge", [("code_challenge", "x2345678901234567890123456789012345678901_x")]),
    ] {
        let changed: Vec<_> = [("scope", "mcp:read")]
            .into_iter()
            .filter(|(name, _)| *name != what)
            .chain(changes)
            .collect();
        let response = browser.submit("consent", &query(&changed), &form).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{what}: {response:?}");
        assert!(response.text.contains("Start again"), "{what}");
    }
    assert!(browser.submit("consent", &shown, &form).await.redirect(CALLBACK).contains_key("code"));
}

#[tokio::test]
async fn a_form_without_a_valid_csrf_token_does_nothing() {
    let server = TestServer::new();
    let query = query(&[]);
    let mut victim = server.browser();
    victim.log_in(&query, "alice").await;
    let foreign = server.browser().open(&query).await.field("csrf_token");
    for (path, csrf_token) in [
        ("consent", None),
        ("consent", Some(foreign.as_str())),
        ("consent", Some("AAAA")),
        ("logout", None),
        ("login", Some(&foreign)),
    ] {
        let mut form = vec![
            ("decision", "allow"),
            ("scope", "mcp:read"),
            ("username", "bob"),
            ("password", "bob123"),
        ];
        form.extend(csrf_token.map(|csrf_token| ("csrf_token", csrf_token)));
        let response = victim.submit(path, &query, &form).await;
        assert_eq!(
            (response.status, response.header("location")),
            (StatusCode::FORBIDDEN, ""),
            "{path} {csrf_token:?}"
        );
        assert!(victim.open(&query).await.text.contains("Signed in as <strong>alice"), "{path}");
    }
}

#[tokio::test]
async fn a_login_changes_the_session_id_lasts_an_hour_and_can_be_ended() {
    let server = TestServer::new();
    let query = query(&[]);
    let mut browser = server.browser();
    browser.open(&query).await;
    let before = browser.cookie.clone();
    browser.log_in(&query, "alice").await;
    let after = browser.cookie.clone();
    assert_ne!(before, after, "a planted session stays empty");
    let mut planted = server.browser();
    planted.cookie = before;
    assert!(planted.open(&query).await.text.contains("<h1>Sign in</h1>"));

    let csrf_token = browser.open(&query).await.field("csrf_token");
    browser.submit("logout", &query, &[("csrf_token", &csrf_token)]).await.redirect("authorize");
    assert!(browser.open(&query).await.text.contains("<h1>Sign in</h1>"));

    browser.log_in(&query, "bob").await;
    let csrf_token = browser.open(&query).await.field("csrf_token");
    server.advance(3600);
    let response = browser
        .submit("consent", &query, &[("csrf_token", &csrf_token), ("decision", "allow")])
        .await;
    response.redirect("authorize");
    assert!(browser.open(&query).await.text.contains("<h1>Sign in</h1>"));
}
