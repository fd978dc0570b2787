//! The pages: what protects them, what they say, and that no stranger's text becomes markup.

use axum::{body::Body, http::Request};
use serde_json::json;

use super::support::{World, query};

const NASTY: &str = r#""><script>alert(1)</script><img src=x onerror='a'>{{1234567*7}}"#;

#[tokio::test]
async fn every_page_is_protected_from_frames_caches_and_foreign_content() {
    let world = World::new();
    let query = query(&[]);
    let mut browser = world.browser();
    let login = browser.open(&query).await;
    let wrong = browser.try_login(&query, "alice", "wrong").await;
    let consent = browser.log_in(&query, "alice").await;
    let problem = browser.open("client_id=nobody").await;
    for (what, page, form_action) in [
        ("login", &login, "form-action 'self';"),
        ("wrong password", &wrong, "form-action 'self';"),
        ("consent", &consent, "form-action 'self' http: https:;"),
        ("problem", &problem, "form-action 'self';"),
    ] {
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none';",
            "style-src 'self';",
            "frame-ancestors 'none';",
            "base-uri 'none'",
            form_action,
        ] {
            assert!(policy.contains(part), "{what}: {policy}");
        }
        assert_eq!(page.header("x-frame-options"), "DENY", "{what}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(page.header("cache-control"), "no-store", "{what}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{what}");
        assert!(
            !page.text.contains("<script")
                && !page.text.contains("style=\"")
                && !page.text.contains("http-equiv"),
            "{what}"
        );
        assert!(page.text.contains("For development only."), "{what}");
    }
    let cookie = login.header("set-cookie");
    assert!(cookie.ends_with("; Path=/auth; HttpOnly; SameSite=Lax"), "{cookie}");
    let style = world.send(Request::get("/auth/style.css").body(Body::empty()).unwrap()).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(!style.text.contains("url(") && !style.text.contains("@import"));
}

#[tokio::test]
async fn the_question_says_who_asks_for_what_and_where_the_answer_goes() {
    let world = World::new();
    let query = query(&[("scope", "mcp:read mcp:tools mcp:prompts offline_access")]);
    let mut browser = world.browser();
    let page = browser.log_in(&query, "alice").await.text;
    for part in [
        "MCP test client",
        "http://127.0.0.1:3760",
        "any program could be listening",
        "http://localhost:9000/mcp",
        "alice does not have this",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(
        page.contains(r#"value="mcp:prompts" disabled"#)
            && page.contains(r#"value="mcp:tools" checked"#)
    );
    let page = world.browser().log_in(&query, "guest").await.text;
    assert!(page.contains(r#"value="mcp:read" disabled"#), "{page}");

    let registration = json!({"redirect_uris": ["https://app.example/cb"], "client_name": "Bank\u{202e}knaB", "token_endpoint_auth_method": "none"});
    let id = world.post_json("/auth/register", registration).await.json()["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let query = super::support::query(&[
        ("client_id", &id),
        ("redirect_uri", "https://app.example/cb"),
        ("scope", "mcp:read"),
    ]);
    let page = world.browser().log_in(&query, "alice").await;
    assert!(page.text.contains("registered itself") && page.text.contains("https://app.example"));
    assert!(
        !page.text.contains("any program could be listening") && !page.text.contains('\u{202e}')
    );
    assert!(page.header("content-security-policy").contains("form-action 'self' http: https:;"));
}

#[tokio::test]
async fn a_strangers_text_is_never_markup() {
    let world = World::new();
    let registration = json!({"redirect_uris": ["http://127.0.0.1/callback"], "client_name": NASTY, "token_endpoint_auth_method": "none"});
    let id = world.post_json("/auth/register", registration).await.json()["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let good = query(&[("client_id", &id), ("scope", "mcp:read"), ("state", NASTY)]);
    // The query is sent as a browser would, and once more with nothing escaped that HTTP lets through.
    let raw = format!("{good}&x='onmouseover='alert(1)'");
    let mut pages = Vec::new();
    for query in [&good, &raw] {
        let mut browser = world.browser();
        pages.push(browser.open(query).await);
        pages.push(browser.try_login(query, NASTY, NASTY).await);
        pages.push(browser.log_in(query, "alice").await);
        pages.push(browser.submit("consent", query, &[("proof", NASTY)]).await);
    }
    for changes in [[("client_id", NASTY)], [("redirect_uri", NASTY)]] {
        pages.push(world.browser().open(&query(&changes)).await);
    }
    pages.push(world.browser().open(&query(&[("client_id", &id), ("redirect_uri", NASTY)])).await);
    for page in pages {
        let text = &page.text;
        assert!(
            !text.contains("<script") && !text.contains("<img") && !text.contains("8641969"),
            "{text}"
        );
        assert!(!text.contains("'onmouseover='"), "{text}");
    }
}
