//! `/docs`: on every step, for people with and without JavaScript, and closed to other pages.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::support::{Answer, Ask, Server};

const STEPS: [&str; 10] =
    ["step1", "step2", "step3", "step4", "step5", "step6", "step7", "step8", "step9", "step10"];

async fn docs(server: &Server) -> Answer {
    let answer = server.get("/docs").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    answer
}

/// What stands between `before` and `after`, wherever that is.
fn all<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

#[tokio::test]
async fn every_step_says_what_it_adds_and_marks_it_in_the_picture() {
    for step in STEPS {
        let server = Server::start(step);
        let page = docs(&server).await.body;
        let source = std::fs::read_to_string(format!("src/bin/{step}.rs")).unwrap();
        let title = source.lines().next().unwrap().trim_start_matches("//! ");
        assert!(
            page.contains(&format!("<title>{}</title>", title.replace('\'', "&#39;"))),
            "{step}"
        );
        assert!(!server.log().contains("WARN mcp_auth::origin"), "{step}: {}", server.log());
        assert!(page.contains(r#"<g data-part="#), "{step} has no picture");
        assert!(page.contains(r#"class="new""#), "{step} marks nothing as new");
        // The same as a list, for screen readers and phones.
        let (picture, list) =
            (all(&page, "<g data-part", ">").len(), all(&page, "<li data-part", ">").len());
        assert_eq!(picture, list, "{step}");
    }
}

#[tokio::test]
async fn whatever_it_links_to_or_lets_one_try_is_there() {
    for step in STEPS {
        let server = Server::start(step);
        let page = docs(&server).await.body;
        let links = all(&page, r#"<a href="/"#, "\"");
        let samples = all(&page, r#"<article class="sample" "#, ">");
        assert!(!links.is_empty() && samples.len() > 1, "{step}");
        let samples = samples.iter().map(|tag| {
            (all(tag, "data-method=\"", "\"")[0], all(tag, "data-path=\"", "\"")[0].to_owned())
        });
        let links = links.iter().map(|link| ("GET", format!("/{link}")));
        // A strange page asks for `/`; it never gets as far as a 404.
        for (method, path) in links.chain(samples).filter(|(_, path)| path != "/") {
            let request = server.request(method, &path).header("origin", &server.url);
            let answer = request.answer().await;
            assert_ne!(answer.status, 404, "{step} {method} {path}");
        }
    }
}

#[tokio::test]
async fn only_its_own_script_and_style_may_run_and_nobody_may_frame_it() {
    let server = Server::start("step7");
    for path in ["/docs", "/docs/callback?code=x&state=y"] {
        let answer = server.get(path).await;
        let policy = answer.header("content-security-policy");
        for (tag, directive) in [("style", "style-src"), ("script type=\"module\"", "script-src")] {
            let name = tag.split(' ').next().unwrap();
            let texts = all(&answer.body, &format!("<{tag}>"), &format!("</{name}>"));
            let [text] = texts[..] else { panic!("{path}: one {name}, please: {}", texts.len()) };
            let hash = STANDARD.encode(Sha256::digest(text));
            assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{path}: {policy}");
        }
        for wanted in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.contains(wanted), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        for (header, value) in [("referrer-policy", "no-referrer"), ("cache-control", "no-store")] {
            assert_eq!(answer.header(header), value, "{path}");
        }
        assert!(!answer.body.contains(" style=") && !answer.body.contains(" onclick="), "{path}");
        assert!(!answer.body.contains("code=x"), "{path} repeats what it was sent");
    }
}

#[tokio::test]
async fn it_is_closed_to_strange_pages_and_names_but_open_to_who_follows_a_link() {
    let server = Server::start("step1");
    assert_eq!(docs(&server).await.status, 200);
    let strange = server.request("GET", "/docs").header("origin", "https://evil.example.com");
    assert_eq!(strange.answer().await.status, 403);
    let rebound = server.request("GET", "/docs").header("host", "evil.example.com");
    assert_eq!(rebound.answer().await.status, 403);
}

#[tokio::test]
async fn the_page_tells_what_the_server_can_do_and_no_more() {
    for (step, there, not_there) in [
        (
            "step1",
            &["In a terminal", "evil.example.com"][..],
            &["id=\"walk\"", "/mcp", "Your token"][..],
        ),
        ("step2", &["-H &#39;Origin: ", "POST"], &["tools/list", "<h3>Tools</h3>"]),
        ("step3", &["<h3>Tools</h3>", "not yet to be had"], &["Shake hands", "Your token"]),
        (
            "step6",
            &["Your token", "Bearer $TOKEN", "gen-token"],
            &["id=\"walk\"", "<h3>Scopes</h3>"],
        ),
        (
            "step7",
            &["id=\"walk\"", "<h3>Scopes</h3>", "not yet asked for"],
            &["insufficient_scope, and what"],
        ),
        ("step8", &["id=\"walk\"", "insufficient_scope, and what"], &["not yet asked for"]),
    ] {
        let server = Server::start(step);
        let answer = docs(&server).await;
        let page = answer.body.split("<script").next().unwrap();
        for text in there {
            assert!(page.contains(text), "{step} does not say {text}");
        }
        for text in not_there {
            assert!(!page.contains(text), "{step} says {text}");
        }
    }
}

#[tokio::test]
async fn commands_name_the_address_at_which_the_server_is_reached() {
    let flags = ["--public-url", "https://mcp.example.com"];
    let server = Server::start_with("step8", flags);
    let answer = docs(&server).await;
    assert!(answer.body.contains("curl -i https://mcp.example.com/health"));
    assert!(!answer.body.contains("localhost:9000"));
    assert!(
        answer
            .header("content-security-policy")
            .contains("connect-src 'self' https://mcp.example.com")
    );
}
