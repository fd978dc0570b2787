//! Login and consent.

use axum::http::StatusCode;
use mcp_auth::authorization_server::Account;

use super::support::{CALLBACK, ISSUER, RESOURCE, STATE, TestServer, claims, query};

#[tokio::test]
async fn allow_gives_the_client_a_code_and_deny_an_error() {
    let server = TestServer::new();
    let query = query(&[]);
    let mut browser = server.browser();
    let page = browser.log_in(&query, "alice").await;
    assert!(page.text.contains("asks for access"), "{page:?}");

    let denied = browser.decide(&query, "deny", &["mcp:read"]).await.redirect(CALLBACK);
    assert_eq!(
        (denied["error"].as_str(), denied["state"].as_str(), denied["iss"].as_str()),
        ("access_denied", STATE, ISSUER)
    );
    assert!(!denied.contains_key("code"));

    let allowed = browser.allow_all(&query).await.redirect(CALLBACK);
    assert_eq!(
        (allowed["state"].as_str(), allowed["iss"].as_str(), allowed.len()),
        (STATE, ISSUER, 3)
    );
    assert_eq!(allowed["code"].len(), 43);
    assert!(browser.open(&query).await.text.contains("asks for access"), "asked again, every time");
}

#[tokio::test]
async fn a_token_has_the_claims_of_rfc_9068() {
    let server = TestServer::new();
    let code = server.code("alice", &[]).await;
    let response = server.exchange(&code).await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    assert_eq!(
        (response.header("cache-control"), response.header("pragma")),
        ("no-store", "no-cache")
    );
    let tokens = response.json();
    assert_eq!(
        (tokens["token_type"].as_str(), tokens["expires_in"].as_u64()),
        (Some("Bearer"), Some(900))
    );
    assert_eq!(tokens["scope"], "mcp:read mcp:tools offline_access");
    let claims = claims(tokens["access_token"].as_str().unwrap());
    for (claim, expected) in [
        ("iss", ISSUER),
        ("aud", RESOURCE),
        ("sub", "user_alice"),
        ("preferred_username", "alice"),
        ("client_id", "mcp-test-client"),
        ("scope", "mcp:read mcp:tools"),
    ] {
        assert_eq!(claims[claim], expected, "{claim}");
    }
    assert_eq!(
        (claims["iat"].as_u64(), claims["exp"].as_u64()),
        (Some(server.now()), Some(server.now() + 900))
    );
    assert_eq!(claims.get("roles"), None, "without the scope mcp:admin");
    assert!(claims["jti"].as_str().unwrap().len() > 20);
}

#[tokio::test]
async fn a_token_has_only_scopes_that_were_requested_ticked_and_held() {
    let server = TestServer::new();
    let all = ["mcp:read", "mcp:tools", "mcp:prompts", "offline_access"];
    let asked = "mcp:read mcp:tools mcp:prompts";
    for (what, name, scope, ticked, expected) in [
        ("alice", "alice", asked, &all[..], "mcp:read mcp:tools"),
        ("bob", "bob", asked, &all, "mcp:prompts mcp:read"),
        ("admin", "admin", asked, &all, "mcp:prompts mcp:read mcp:tools"),
        ("guest", "guest", asked, &all, ""),
        ("guest, offline", "guest", "mcp:read offline_access", &all, ""),
        ("fewer", "alice", asked, &["mcp:read"], "mcp:read"),
        ("none", "alice", asked, &[], ""),
        ("ticked but not requested", "alice", "mcp:read", &all, "mcp:read"),
        ("invented", "alice", "mcp:read", &["mcp:read", "mcp:everything"], "mcp:read"),
        ("offline but not ticked", "alice", "mcp:read offline_access", &["mcp:read"], "mcp:read"),
        ("no scope: all but offline_access", "alice", "", &all, "mcp:read mcp:tools"),
    ] {
        let query = query(&[("scope", scope)]);
        let mut browser = server.browser();
        browser.log_in(&query, name).await;
        let response = browser.decide(&query, "allow", ticked).await.redirect(CALLBACK);
        let tokens = server.exchange(&response["code"]).await.json();
        assert_eq!(tokens["scope"], expected, "{what}");
        assert!(tokens.get("refresh_token").is_none(), "{what}");
        let claims = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(claims["scope"], expected, "{what}");
        assert_eq!(claims.get("roles"), None, "{what}");
    }
}

/// A client can do no more than the user consented to: the policy of a resource server gives the role `admin` everything.
#[tokio::test]
async fn roles_are_in_a_token_only_with_the_scope_mcp_admin() {
    let server = TestServer::new();
    let all = ["mcp:read", "mcp:admin"];
    for (what, name, scope, ticked, expected, roles) in [
        ("granted", "admin", "mcp:read mcp:admin", &all[..], "mcp:admin mcp:read", true),
        ("not ticked", "admin", "mcp:read mcp:admin", &["mcp:read"], "mcp:read", false),
        ("nothing ticked", "admin", "mcp:read mcp:admin", &[], "", false),
        ("not requested", "admin", "mcp:read", &all, "mcp:read", false),
        ("no scope requested", "admin", "", &all, "mcp:read", false),
        ("without the role", "alice", "mcp:read mcp:admin", &all, "mcp:read", false),
    ] {
        let query = query(&[("scope", scope)]);
        let mut browser = server.browser();
        browser.log_in(&query, name).await;
        let response = browser.decide(&query, "allow", ticked).await.redirect(CALLBACK);
        let tokens = server.exchange(&response["code"]).await.json();
        let claims = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(claims["scope"], expected, "{what}");
        let expected = roles.then(|| serde_json::json!(["user", "admin"]));
        assert_eq!(claims.get("roles"), expected.as_ref(), "{what}");
    }
    // A refresh for less drops the roles, too.
    let query = query(&[("scope", "mcp:read mcp:admin offline_access")]);
    let mut browser = server.browser();
    browser.log_in(&query, "admin").await;
    let ticked = ["mcp:read", "mcp:admin", "offline_access"];
    let code = browser.decide(&query, "allow", &ticked).await.redirect(CALLBACK)["code"].clone();
    let tokens = server.exchange(&code).await.json();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "mcp-test-client"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", "mcp:read"),
    ];
    let tokens = server.token(&form).await.json();
    assert_eq!(claims(tokens["access_token"].as_str().unwrap()).get("roles"), None);
}

/// RFC 6749, 3.3. A verifier that splits at white space would read a tab as the end of a scope, and a page shows it as
/// one; so only scopes that the server knows are registered, shown and signed.
#[tokio::test]
async fn scopes_that_a_client_invents_are_not_signed() {
    let server = TestServer::new();
    for (scope, accepted) in [
        ("mcp:read", true),
        ("mcp:tools:echo", true),
        ("mcp:read:x\tmcp:tools", false),
        ("mcp:tools:echo\u{202e}", false),
        ("mcp:tools:echo:twice", false),
        ("mcp:tools:unknown", false),
        ("mcp:read:anything", false),
        ("mcp:read\u{a0}mcp:tools", false),
    ] {
        let response = server.browser().open(&query(&[("scope", scope)])).await;
        assert_eq!(response.status == StatusCode::OK, accepted, "{scope:?}");
        let registration = serde_json::json!({
            "redirect_uris": [CALLBACK],
            "scope": format!("mcp:prompts {scope}"),
        });
        let registered = server.register(registration).await["scope"].clone();
        let expected = if accepted { format!("mcp:prompts {scope}") } else { "mcp:prompts".into() };
        assert_eq!(registered, expected, "{scope:?}");
    }
    let code = server.code("alice", &[]).await;
    let tokens = server.exchange(&code).await.json();
    for scope in ["mcp:tools:x\tmcp:admin", "mcp:tools:unknown"] {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mcp-test-client"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ("scope", scope),
        ];
        assert_eq!(server.token(&form).await.json()["error"], "invalid_scope", "{scope:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_rejected() {
    let server = TestServer::new();
    let query = query(&[]);
    let mut browser = server.browser();
    for (name, password) in [("alice", "wrong"), ("nobody", "wrong"), ("alice", "bob123")] {
        let response = browser.try_login(&query, name, password).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN);
        let text = &response.text;
        assert!(text.contains("Wrong user name or password") && text.contains("role=\"alert\""));
    }
    assert!(browser.log_in(&query, "alice").await.text.contains("asks for access"));
}

/// Whoever sends wrong passwords must not lock an account: their answers are delayed, the right password works.
#[tokio::test]
async fn the_right_password_works_during_a_flood_of_wrong_ones() {
    let server = TestServer::new();
    let flood: Vec<_> = (0..75)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move {
                server.browser().try_login(&query(&[]), "alice", "wrong").await;
            })
        })
        .collect();
    // Each attempt has reached its delay, or is done.
    tokio::task::yield_now().await;
    assert!(server.browser().log_in(&query(&[]), "alice").await.text.contains("asks for access"));
    flood.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_flood_of_wrong_passwords_does_not_occupy_all_requests() {
    let server = TestServer::new();
    let mut flood = tokio::task::JoinSet::new();
    for _ in 0..75 {
        let server = server.clone();
        flood.spawn(async move { server.browser().try_login(&query(&[]), "alice", "wrong").await });
    }
    // Five are answered at once and sixteen are held back.
    for _ in 0..5 + 54 {
        let response = flood.join_next().await.unwrap().unwrap();
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(response.header("retry-after"), "8", "RFC 6585, 4");
            assert!(response.text.contains("Too many wrong passwords"), "{response:?}");
            return;
        }
        assert_eq!(response.status, StatusCode::FORBIDDEN);
    }
    panic!("none was refused");
}

#[tokio::test]
async fn accounts_can_be_set_in_code() {
    let carol = Account::new("carol", "carol123").scopes(["mcp:read"]).roles(["admin"]);
    let server = TestServer::with(|server| server.accounts([carol]));
    let query = query(&[("scope", "mcp:read mcp:tools mcp:admin")]);
    let mut browser = server.browser();
    assert!(browser.open(&query).await.text.contains("carol123"));
    let page = browser.log_in(&query, "carol").await.text;
    // The scope that brings all roles is not ticked in advance (RFC 9700, 2.3: the least privilege that is needed).
    for (scope, state) in
        [("mcp:read", " checked>"), ("mcp:tools", " disabled>"), ("mcp:admin", ">")]
    {
        assert!(page.contains(&format!("value=\"{scope}\"{state}")), "{scope}: {page}");
    }
    assert!(!page.contains("<script"), "a tick is a field of the form");
    let response = server.browser().try_login(&query, "alice", "alice123").await;
    assert_eq!(response.status, StatusCode::FORBIDDEN, "the defaults are replaced");
}
