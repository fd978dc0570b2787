//! Logging in and deciding.

use axum::http::StatusCode;

use super::support::{CALLBACK, ISSUER, RESOURCE, STATE, World, claims, query};

#[tokio::test]
async fn who_says_yes_is_taken_back_with_a_code_and_who_says_no_without() {
    let world = World::new();
    let query = query(&[]);
    let mut browser = world.browser();
    let question = browser.log_in(&query, "alice").await;
    assert!(question.text.contains("asks for access"), "{question:?}");

    let no = browser.decide(&query, "deny", &["mcp:read"]).await.redirect(CALLBACK);
    assert_eq!(
        (no["error"].as_str(), no["state"].as_str(), no["iss"].as_str()),
        ("access_denied", STATE, ISSUER)
    );
    assert!(!no.contains_key("code"));

    let yes = browser.allow_all(&query).await.redirect(CALLBACK);
    assert_eq!((yes["state"].as_str(), yes["iss"].as_str(), yes.len()), (STATE, ISSUER, 3));
    assert_eq!(yes["code"].len(), 43);
    assert!(browser.open(&query).await.text.contains("asks for access"), "asked again, every time");
}

#[tokio::test]
async fn a_token_says_who_for_what_and_until_when() {
    let world = World::new();
    let code = world.code("alice", &[]).await;
    let answer = world.exchange(&code).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    let tokens = answer.json();
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
        (Some(world.now()), Some(world.now() + 900))
    );
    assert_eq!(claims["roles"], serde_json::json!(["user"]));
    assert!(claims["jti"].as_str().unwrap().len() > 20);
}

#[tokio::test]
async fn nobody_gives_away_what_they_do_not_hold_or_did_not_tick() {
    let world = World::new();
    let all = ["mcp:read", "mcp:tools", "mcp:prompts", "offline_access"];
    let asked = "mcp:read mcp:tools mcp:prompts";
    for (what, name, scope, ticked, expected, roles) in [
        ("alice", "alice", asked, &all[..], "mcp:read mcp:tools", 1),
        ("bob", "bob", asked, &all, "mcp:prompts mcp:read", 1),
        ("admin", "admin", asked, &all, "mcp:prompts mcp:read mcp:tools", 2),
        ("guest", "guest", asked, &all, "", 1),
        ("guest, offline", "guest", "mcp:read offline_access", &all, "", 1),
        ("fewer", "alice", asked, &["mcp:read"], "mcp:read", 1),
        ("none", "alice", asked, &[], "", 1),
        ("ticked but not asked for", "alice", "mcp:read", &all, "mcp:read", 1),
        ("invented", "alice", "mcp:read", &["mcp:read", "mcp:admin"], "mcp:read", 1),
        (
            "offline but not ticked",
            "alice",
            "mcp:read offline_access",
            &["mcp:read"],
            "mcp:read",
            1,
        ),
        ("no scope asked for: all but offline", "alice", "", &all, "mcp:read mcp:tools", 1),
    ] {
        let query = query(&[("scope", scope)]);
        let mut browser = world.browser();
        browser.log_in(&query, name).await;
        let answer = browser.decide(&query, "allow", ticked).await.redirect(CALLBACK);
        let tokens = world.exchange(&answer["code"]).await.json();
        assert_eq!(tokens["scope"], expected, "{what}");
        assert!(tokens.get("refresh_token").is_none(), "{what}");
        let claims = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(claims["scope"], expected, "{what}");
        assert_eq!(claims["roles"].as_array().unwrap().len(), roles, "{what}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_guessing_gets_slow() {
    let world = World::new();
    let query = query(&[]);
    let mut browser = world.browser();
    for _ in 0..5 {
        let answer = browser.try_login(&query, "alice", "wrong").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(
            answer.text.contains("do not belong together")
                && answer.text.contains("role=\"alert\"")
        );
    }
    let answer = world.browser().try_login(&query, "alice", "alice123").await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, "1"),
        "another browser, the same account"
    );
    world.pass(1);
    assert!(browser.log_in(&query, "alice").await.text.contains("asks for access"));
}

#[tokio::test]
async fn a_form_that_is_not_ours_does_nothing() {
    let world = World::new();
    let query = query(&[]);
    let mut victim = world.browser();
    victim.log_in(&query, "alice").await;
    let foreign = world.browser().open(&query).await.field("proof");
    for (door, proof) in [
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
        form.extend(proof.map(|proof| ("proof", proof)));
        let answer = victim.submit(door, &query, &form).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::FORBIDDEN, ""),
            "{door} {proof:?}"
        );
        assert!(victim.open(&query).await.text.contains("Signed in as <strong>alice"), "{door}");
    }
}

#[tokio::test]
async fn a_login_changes_the_session_lasts_an_hour_and_can_be_ended() {
    let world = World::new();
    let query = query(&[]);
    let mut browser = world.browser();
    browser.open(&query).await;
    let before = browser.cookie.clone();
    browser.log_in(&query, "alice").await;
    let after = browser.cookie.clone();
    assert_ne!(before, after, "a planted session stays empty");
    let mut planted = world.browser();
    planted.cookie = before;
    assert!(planted.open(&query).await.text.contains("<h1>Sign in</h1>"));

    let proof = browser.open(&query).await.field("proof");
    browser.submit("logout", &query, &[("proof", &proof)]).await.redirect("authorize");
    assert!(browser.open(&query).await.text.contains("<h1>Sign in</h1>"));

    browser.log_in(&query, "bob").await;
    let proof = browser.open(&query).await.field("proof");
    world.pass(3600);
    let answer =
        browser.submit("consent", &query, &[("proof", &proof), ("decision", "allow")]).await;
    answer.redirect("authorize");
    assert!(browser.open(&query).await.text.contains("<h1>Sign in</h1>"));
}
