//! The pages: their protection, their texts, and the escaping of what clients and users send.

use axum::{body::Body, http::Request};
use serde_json::json;

use super::support::{TestServer, query};

const NASTY: &str = r#""><script>alert(1)</script><img src=x onerror='a'>{{1234567*7}}"#;

#[tokio::test]
async fn every_page_forbids_frames_caching_and_content_of_other_sites() {
    let server = TestServer::new();
    let query = query(&[]);
    let mut browser = server.browser();
    let login = browser.open(&query).await;
    let wrong = browser.try_login(&query, "alice", "wrong").await;
    let consent = browser.log_in(&query, "alice").await;
    let error = browser.open("client_id=nobody").await;
    for (what, page, form_action) in [
        ("login", &login, "form-action 'self';"),
        ("wrong password", &wrong, "form-action 'self';"),
        ("consent", &consent, "form-action 'self' http: https:;"),
        ("error", &error, "form-action 'self';"),
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
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax") && !cookie.contains("Path"), "{cookie}");
    let style = server.send(Request::get("/auth/style.css").body(Body::empty()).unwrap()).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(!style.text.contains("url(") && !style.text.contains("@import"));
}

#[tokio::test]
async fn the_consent_page_names_the_client_the_scopes_and_the_destination() {
    let server = TestServer::new();
    let query = query(&[("scope", "mcp:read mcp:tools mcp:prompts offline_access")]);
    let mut browser = server.browser();
    let page = browser.log_in(&query, "alice").await.text;
    for part in [
        "MCP test client",
        "<strong>127.0.0.1</strong>",
        "<code>http://127.0.0.1:3760/callback</code>",
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
    let page = server.browser().log_in(&query, "guest").await.text;
    assert!(page.contains(r#"value="mcp:read" disabled"#), "{page}");

    let registration = json!({"redirect_uris": ["https://app.example/cb"], "client_name": "Bank\u{202e}knaB", "token_endpoint_auth_method": "none"});
    let id = server.post_json("/auth/register", registration).await.json()["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let query = super::support::query(&[
        ("client_id", &id),
        ("redirect_uri", "https://app.example/cb"),
        ("scope", "mcp:read"),
    ]);
    let page = server.browser().log_in(&query, "alice").await;
    assert!(
        page.text.contains("Registered itself")
            && page.text.contains("<strong>app.example</strong>")
    );
    assert!(
        !page.text.contains("any program could be listening") && !page.text.contains('\u{202e}')
    );
    assert!(page.header("content-security-policy").contains("form-action 'self' http: https:;"));
}

#[tokio::test]
async fn text_of_clients_and_users_is_never_markup() {
    let server = TestServer::new();
    let registration = json!({"redirect_uris": ["http://127.0.0.1/callback"], "client_name": NASTY, "token_endpoint_auth_method": "none"});
    let id = server.post_json("/auth/register", registration).await.json()["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let good = query(&[("client_id", &id), ("scope", "mcp:read"), ("state", NASTY)]);
    // The query as a browser sends it, and once more without escaping anything that HTTP allows.
    let raw = format!("{good}&x='onmouseover='alert(1)'");
    let mut pages = Vec::new();
    for query in [&good, &raw] {
        let mut browser = server.browser();
        pages.push(browser.open(query).await);
        pages.push(browser.try_login(query, NASTY, NASTY).await);
        pages.push(browser.log_in(query, "alice").await);
        pages.push(browser.submit("consent", query, &[("csrf_token", NASTY)]).await);
    }
    for changes in [[("client_id", NASTY)], [("redirect_uri", NASTY)]] {
        pages.push(server.browser().open(&query(&changes)).await);
    }
    pages.push(server.browser().open(&query(&[("client_id", &id), ("redirect_uri", NASTY)])).await);
    for page in pages {
        let text = &page.text;
        assert!(
            !text.contains("<script") && !text.contains("<img") && !text.contains("8641969"),
            "{text}"
        );
        assert!(!text.contains("'onmouseover='"), "{text}");
    }
}

#[tokio::test]
async fn every_scope_has_a_description() {
    let server = TestServer::new();
    let scopes = "mcp:read mcp:tools mcp:prompts mcp:tools:echo mcp:admin offline_access";
    let page = server.browser().log_in(&query(&[("scope", scopes)]), "admin").await.text;
    for scope in scopes.split(' ') {
        let (_, rest) = page.split_once(&format!("<code>{scope}</code>")).unwrap();
        let description = rest.split("class=\"description\">").nth(1).unwrap();
        assert!(description.split('<').next().unwrap().len() > 10, "{scope}: {description}");
    }
    assert!(page.contains("Call the tool “echo”") && page.contains("administrator"), "{page}");
}

#[tokio::test]
async fn the_author_of_a_link_writes_no_sentence_on_the_error_page() {
    let server = TestServer::new();
    let sentence = "x”. Your account is locked, call +1 555 0100. “";
    for (what, changes) in [
        ("client", [("client_id", sentence)]),
        ("document", [("client_id", "https://app.example/ Your account is locked: +1 555 0100")]),
        ("redirect", [("redirect_uri", "https://app.example/ Your account is locked: 555 0100")]),
        ("direction", [("client_id", "\u{202e}0010 555 1+")]),
        ("length", [("client_id", &*"x".repeat(201))]),
        ("scope", [("scope", sentence)]),
        ("type", [("response_type", sentence)]),
    ] {
        let response = server.browser().open(&query(&changes)).await;
        assert!(!response.text.contains("555") && !response.text.contains('\u{202e}'), "{what}");
        assert!(!response.text.contains(&"x".repeat(201)), "{what}");
        assert!(!response.header("location").contains("555"), "{what}: {response:?}");
    }
    // An identifier may stand there.
    let page = server.browser().open(&query(&[("client_id", "client-1")])).await.text;
    assert!(page.contains("client-1"), "{page}");
}

#[tokio::test]
async fn a_client_hides_nothing_in_its_name() {
    let server = TestServer::new();
    for (name, shown) in [
        ("B\u{200b}an\u{e0069}\u{ad}k", "Bank"),
        ("Bank\r\nof\u{202e}knaB", "Bank\u{fffd}\u{fffd}of\u{fffd}knaB"),
        ("\u{202e}\u{200b}", "client-"), // its id
    ] {
        let registration = json!({"redirect_uris": ["https://app.example/cb"], "client_name": name,
            "token_endpoint_auth_method": "none"});
        let client = server.register(registration).await;
        let id = client["client_id"].as_str().unwrap();
        let query = query(&[("client_id", id), ("redirect_uri", "https://app.example/cb")]);
        let page = server.browser().open(&query).await.text;
        assert!(page.contains(&format!("<bdi>{shown}")), "{name:?}: {page}");
    }
}

#[tokio::test]
async fn the_page_after_a_wrong_password_keeps_the_user_name() {
    let server = TestServer::new();
    let page = server.browser().try_login(&query(&[]), "alice\"", "wrong").await.text;
    assert!(page.contains(r#"value="alice&#34;""#), "{page}");
    assert!(!page.contains("value=\"wrong\""), "{page}");
}
