//! `--check`: an issuer, or an MCP server that names one, evaluated by its documents alone.

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    hostile::RESOURCE,
    mock::{Facts, Hit, Mock, endless, ok, stuck},
    run::{Home, Run, finish},
};
use crate::support::Server;

async fn check(url: &str, flags: &[&str]) -> Run {
    finish(
        Home::new().program(["--check", url].iter().chain(flags)).spawn().expect("step11 starts"),
    )
    .await
}

fn word<'a>(run: &'a Run, column: &str) -> &'a Value {
    &run.results[0]["evaluation"][column]["value"]
}

#[tokio::test]
async fn only_the_metadata_of_an_issuer_is_requested() {
    let mock = Mock::honest().await;
    let run = check(&mock.facts.url, &[]).await;
    run.succeeded();
    for (column, expected) in [
        ("pkce", "yes"),
        ("rfc8414", "yes"),
        ("rfc7591", "yes"),
        ("rfc8707", "not stated"),
        ("rfc9207", "yes"),
        ("cimd", "no"),
    ] {
        assert_eq!(word(&run, column), expected, "{column}");
    }
    assert_eq!(run.results[0]["evaluation"]["issues"], json!([]));
    assert_eq!(run.results[0]["documents"][1]["outcome"], "404 Not Found");
    for path in ["/register", "/authorize", "/token", "/mcp"] {
        assert_eq!(mock.count(path), 0, "{path}");
    }
}

#[tokio::test]
async fn an_mcp_server_leads_to_its_issuer_by_well_known_location_or_challenge() {
    let mock = Mock::honest().await;
    let run = check(&mock.mcp(), &[]).await;
    run.succeeded();
    assert_eq!(run.results[0]["evaluation"]["issuer"], mock.facts.url);
    assert_eq!(mock.count("/mcp"), 0, "the well-known place was enough");

    let mock = Mock::start(|hit: &Hit, facts: &Facts| match hit.path.as_str() {
        "/.well-known/oauth-protected-resource/mcp" => Some(StatusCode::NOT_FOUND.into_response()),
        "/card" => Some(ok(json!({"resource": facts.url, "authorization_servers": [facts.url]}))),
        "/mcp" => {
            let challenge = format!(r#"Bearer resource_metadata="{}/card""#, facts.url);
            Some(
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response(),
            )
        }
        _ => None,
    })
    .await;
    check(&mock.mcp(), &[]).await.succeeded();
    assert_eq!(mock.count("/card"), 1);
}

#[tokio::test]
async fn metadata_that_stops_clients_is_reported_as_an_issue() {
    for (change, issue) in [
        (json!({"code_challenge_methods_supported": null}), "must refuse to continue"),
        (json!({"code_challenge_methods_supported": ["plain"]}), "no S256"),
        (json!({"issuer": "https://other.example.com"}), "byte for byte"),
        (json!({"issuer": "https://login.example.com/{tenantid}/v2.0"}), "a template"),
        (json!({"token_endpoint": "http://as.example.com/token"}), "cannot be used"),
        (json!({"token_endpoint": null}), "no token_endpoint"),
        (json!({"resource_indicators_supported": false}), "needs --omit-resource"),
        (json!({"response_types_supported": ["token"]}), "has no \"code\""),
        (json!({"grant_types_supported": ["password"]}), "has no \"authorization_code\""),
        (
            json!({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}),
            "has no \"none\"",
        ),
    ] {
        let mock = Mock::start(move |hit: &Hit, facts: &Facts| {
            (hit.path == "/.well-known/openid-configuration")
                .then(|| {
                    let mut metadata = facts.metadata();
                    metadata.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
                    ok(metadata)
                })
                .or_else(|| {
                    (hit.path == "/.well-known/oauth-authorization-server")
                        .then(|| StatusCode::NOT_FOUND.into_response())
                })
        })
        .await;
        let run = check(&mock.facts.url, &[]).await;
        run.succeeded();
        assert_eq!(word(&run, "rfc8414"), "OIDC only");
        let issues = run.results[0]["evaluation"]["issues"].to_string();
        assert!(issues.contains(&issue.replace('"', "\\\"")), "{issue} not in {issues}");
    }
}

#[tokio::test]
async fn a_url_without_metadata_is_reported_with_what_is_at_each_location() {
    for (name, body, status, outcome) in [
        ("a page", "<html>", 200, "not a JSON object with a string `issuer`"),
        ("half a document", r#"{"issuer": "#, 200, "not a JSON object with a string `issuer`"),
        ("no issuer", "{}", 200, "not a JSON object with a string `issuer`"),
        ("a failure", "", 500, "500 Internal Server Error"),
    ] {
        let mock = Mock::start(move |hit: &Hit, _: &Facts| {
            let status = StatusCode::from_u16(status).unwrap();
            hit.path.starts_with("/.well-known").then(|| (status, body).into_response())
        })
        .await;
        let run = check(&mock.facts.url, &[]).await;
        run.failed("is neither an issuer nor an MCP server that names one");
        run.failed("pass the issuer exactly as its metadata has it");
        let location = "/.well-known/oauth-authorization-server (RFC 8414)";
        run.failed(&format!("{}{location}: {outcome}", mock.facts.url));
        assert!(run.progress.contains("/oauth-protected-resource (RFC 9728)"), "{name}");
    }
}

#[tokio::test]
async fn resource_metadata_that_names_no_issuer_is_reported() {
    for (document, outcome) in [
        (json!({"resource": "x"}), "it names no authorization server"),
        (
            json!({"resource": "x", "authorization_servers": "y"}),
            "`authorization_servers` is a string; it must be a list",
        ),
    ] {
        let mock = Mock::start(move |hit: &Hit, _: &Facts| match hit.path.as_str() {
            RESOURCE => Some(ok(document.clone())),
            _ => Some(StatusCode::NOT_FOUND.into_response()),
        })
        .await;
        check(&mock.mcp(), &[]).await.failed(outcome);
    }
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_does_not_hide_the_others() {
    let mock = Mock::start(|hit: &Hit, facts: &Facts| match hit.path.as_str() {
        RESOURCE => {
            let issuers = ["http://localhost:9/a", &facts.url, "http://localhost:9/b"];
            Some(ok(json!({"resource": facts.url, "authorization_servers": issuers})))
        }
        _ => None,
    })
    .await;
    let run = check(&mock.mcp(), &[]).await;
    run.failed("warning: no response from http://localhost:9/.well-known/");
    run.failed("error: no response from http://localhost:9/.well-known/");
    assert_eq!(run.results.len(), 1);
    assert_eq!(run.results[0]["evaluation"]["issuer"], mock.facts.url);
}

#[tokio::test]
async fn a_host_that_does_not_respond_is_asked_once() {
    let run = check("http://127.0.0.1:9", &[]).await;
    run.failed("is the server running");
    run.failed("no response from http://127.0.0.1:9/.well-known/oauth-authorization-server: ");
    check("http://example.com", &[]).await.failed("use https");
    let mock = Mock::start(|_: &Hit, _: &Facts| Some(stuck("application/json"))).await;
    check(&mock.facts.url, &["--timeout", "1"]).await.failed("within 1 s");
    assert_eq!(mock.count("/.well-known/openid-configuration"), 0);
    let mock =
        Mock::start(|_: &Hit, _: &Facts| Some(endless("application/json", "        "))).await;
    check(&mock.facts.url, &[]).await.failed("sent more than");
}

#[tokio::test]
async fn the_development_authorization_server_has_no_issues() {
    let server = Server::start("step8");
    for url in [server.url.clone(), format!("{}/mcp", server.url)] {
        let run = check(&url, &[]).await;
        run.succeeded();
        let words = ["pkce", "rfc8414", "rfc7591", "rfc8707", "rfc9207"]
            .map(|column| word(&run, column).clone());
        assert_eq!(words, ["yes", "yes", "yes", "yes", "yes"]);
        assert_eq!(run.results[0]["evaluation"]["issues"], json!([]));
    }
}
