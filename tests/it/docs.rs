//! `/docs` on every step: with and without JavaScript, and closed to other origins.

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

/// Every text between `before` and `after`.
fn all<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

#[tokio::test]
async fn every_step_marks_in_the_diagram_what_it_adds() {
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
        assert!(page.contains(r#"<g data-part="#), "{step} has no diagram");
        assert!(page.contains(r#"class="new""#), "{step} marks nothing as new");
        // The same as a list, for screen readers and phones.
        let (diagram, list) =
            (all(&page, "<g data-part", ">").len(), all(&page, "<li data-part", ">").len());
        assert_eq!(diagram, list, "{step}");
    }
}

#[tokio::test]
async fn every_link_and_every_sample_leads_to_an_endpoint() {
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
        // The samples of step 1 show what the check lets through: there is no `/mcp` yet.
        let is_missing = |path: &str| step == "step1" && path == "/mcp";
        for (method, path) in links.chain(samples).filter(|(_, path)| !is_missing(path)) {
            let request = server.request(method, &path).header("origin", &server.url);
            let answer = request.answer().await;
            assert_ne!(answer.status, 404, "{step} {method} {path}");
        }
    }
}

#[tokio::test]
async fn only_its_own_script_and_style_may_run_and_no_page_may_frame_it() {
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
async fn foreign_origins_and_hosts_are_rejected_and_a_followed_link_is_not() {
    let server = Server::start("step1");
    assert_eq!(docs(&server).await.status, 200);
    let foreign = server.request("GET", "/docs").header("origin", "https://evil.example.com");
    assert_eq!(foreign.answer().await.status, 403);
    let rebound = server.request("GET", "/docs").header("host", "evil.example.com");
    assert_eq!(rebound.answer().await.status, 403);
}

#[tokio::test]
async fn the_page_shows_what_the_server_supports_and_nothing_else() {
    for (step, there, not_there) in [
        (
            "step1",
            &["Foreign Origin", "DNS rebinding", "with any Origin"][..],
            &["id=\"flow\"", "The MCP endpoint", "Your token"][..],
        ),
        ("step2", &["-H &#39;Origin: ", "POST"], &["tools/list", "<h3>Tools</h3>"]),
        (
            "step3",
            &["<h3>Tools</h3>", "no method serves them yet"],
            &[">Initialize<", "Your token"],
        ),
        (
            "step6",
            &["Your token", "Bearer $TOKEN", "gen-token"],
            &["id=\"flow\"", "<h3>Scopes</h3>"],
        ),
        (
            "step7",
            &["id=\"flow\"", "<h3>Scopes</h3>", "not enforced yet", "data-scopes=\"listed\""],
            &["insufficient_scope, with the"],
        ),
        (
            "step8",
            &["insufficient_scope, with the", "data-scopes=\"enforced\""],
            &["not enforced yet"],
        ),
    ] {
        let server = Server::start(step);
        let answer = docs(&server).await;
        let page = answer.body.split("<script").next().unwrap();
        for text in there {
            assert!(page.contains(text), "{step} does not have {text}");
        }
        for text in not_there {
            assert!(!page.contains(text), "{step} has {text}");
        }
    }
}

#[tokio::test]
async fn commands_use_the_public_url() {
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

#[tokio::test]
async fn another_loopback_name_leads_to_the_public_url() {
    let server = Server::start("step7");
    let port = server.url.rsplit(':').next().unwrap();
    let request = server.request("GET", "/docs").header("host", format!("127.0.0.1:{port}"));
    let answer = request.answer().await;
    assert_eq!((answer.status, answer.header("location")), (307, &*format!("{}/docs", server.url)));
}

#[tokio::test]
async fn the_code_section_has_the_changes_and_names_existing_files() {
    for step in STEPS {
        let server = Server::start(step);
        let page = docs(&server).await.body;
        let code = all(&page, "<section id=\"code\"", "</section>")[0];
        let source = std::fs::read_to_string(format!("src/bin/{step}.rs")).unwrap();
        let added = all(code, "<span class=\"added\">+ ", "\n");
        assert!(!added.is_empty(), "{step}");
        for line in added {
            let line = line.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&");
            let line = line.replace("&#60;", "<").replace("&#62;", ">");
            assert!(source.contains(line.trim()), "{step}: {line}");
        }
        let files = all(code, "<li><code>", "</code>");
        for file in &files {
            assert!(std::path::Path::new(file).exists(), "{step}: there is no {file}");
        }
        assert!(!files.is_empty() || !["step1", "step6"].contains(&step), "{step} names no files");
        assert!(code.contains(&format!("scripts/test_{step}.sh")), "{step}");
    }
}
