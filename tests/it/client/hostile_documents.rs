//! Hostile documents and responses: of another resource or issuer, with redirects, without end.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    hostile::{METADATA, RESOURCE, redirecting_to, with_metadata},
    mock::{ACCESS, Facts, Hit, Mock, endless, ok, redirect, stuck},
    run::headless,
};

#[tokio::test]
async fn metadata_of_another_resource_or_issuer_is_rejected() {
    let mock = with_metadata(|m| m["issuer"] = json!("https://honest.example.com")).await;
    headless(&mock, &[]).await.failed("is for issuer \"https://honest.example.com\"");
    assert_eq!(mock.count("/register"), 0);

    let mock =
        with_metadata(|m| m["issuer"] = json!(format!("{}/", m["issuer"].as_str().unwrap()))).await;
    headless(&mock, &[]).await.failed("not for");

    for resource in [
        "https://evil.example.com/mcp",
        "",
        "http://localhost:1/mcp",
        "{u}/mc",
        "{u}/mcp#x",
        "{u}/other",
    ] {
        let mock = Mock::start(move |hit: &Hit, facts: &Facts| {
            let resource = resource.replace("{u}", &facts.url);
            (hit.path == RESOURCE)
                .then(|| ok(json!({"resource": resource, "authorization_servers": [facts.url]})))
        })
        .await;
        headless(&mock, &[]).await.failed("the metadata at");
        assert_eq!(mock.count(METADATA), 0, "{resource}");
    }
}

#[tokio::test]
async fn urls_without_a_secure_transport_are_not_used() {
    for url in [
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/x",
        "http://as.example.com/x",
        "javascript:alert(1)",
        "ftp://localhost/x",
        "https://user:password@localhost/x",
        "//localhost/x",
        "",
    ] {
        for member in ["authorization_endpoint", "token_endpoint", "registration_endpoint"] {
            let mock = with_metadata(move |m| m[member] = json!(url)).await;
            headless(&mock, &[]).await.failed("cannot be used");
            assert_eq!(mock.count("/token"), 0, "{member} {url}");
        }
        let mock = Mock::start(move |hit: &Hit, _: &Facts| {
            let challenge = format!(r#"Bearer resource_metadata="{url}""#);
            (hit.path == "/mcp").then(|| {
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
            })
        })
        .await;
        headless(&mock, &[]).await.failed("cannot be used");
        let mock = Mock::start(move |hit: &Hit, facts: &Facts| {
            let resource = format!("{}/mcp", facts.url);
            (hit.path == RESOURCE)
                .then(|| ok(json!({"resource": resource, "authorization_servers": [url]})))
        })
        .await;
        headless(&mock, &[]).await.failed("cannot be used");
    }
}

#[tokio::test]
async fn redirects_to_other_origins_are_not_followed() {
    for path in [RESOURCE, METADATA] {
        for to in [
            "file:///etc/passwd",
            "http://169.254.169.254/x",
            "http://127.0.0.1:9/x",
            "https://evil.example.com/x",
            "/loop",
        ] {
            let mock = Mock::start(move |hit: &Hit, _: &Facts| {
                (hit.path == path || hit.path == "/loop").then(|| redirect(to))
            })
            .await;
            headless(&mock, &[]).await.failed("which is not followed");
            assert!(mock.count("/loop") <= 4 && mock.count("/token") == 0, "{path} {to}");
        }
    }
    // Within one server it is a matter of its own.
    let moved = Mock::start(|hit: &Hit, facts: &Facts| match hit.path.as_str() {
        METADATA => Some(redirect("/moved")),
        "/moved" => Some(ok(facts.metadata())),
        _ => None,
    })
    .await;
    headless(&moved, &[]).await.succeeded();
}

#[tokio::test]
async fn a_location_without_a_document_is_passed_over() {
    type Place = (&'static str, fn(&Facts) -> Response);
    let none: [Place; 6] = [
        ("a page", |_| "<!doctype html><title>hello</title>".into_response()),
        ("not there", |_| StatusCode::NOT_FOUND.into_response()),
        ("an error document", |_| ok(json!({"error": "no"}))),
        ("a list", |_| ok(json!([]))),
        ("elsewhere", |_| redirect("https://evil.example.com/x")),
        ("no identifier", |_| ok(json!({"issuer": 1, "resource": null}))),
    ];
    let resource: fn(&Facts) -> Response = |facts| {
        ok(json!({"resource": format!("{}/mcp", facts.url), "authorization_servers": [facts.url]}))
    };
    for (name, none) in none {
        let mock = Mock::start(move |hit: &Hit, facts: &Facts| match hit.path.as_str() {
            RESOURCE | METADATA => Some(none(facts)),
            "/.well-known/oauth-protected-resource" => Some(resource(facts)),
            "/.well-known/openid-configuration" => Some(ok(facts.metadata())),
            "/mcp" if hit.authorization.is_empty() => Some(
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response(),
            ),
            _ => None,
        })
        .await;
        let run = headless(&mock, &[]).await;
        assert_eq!(run.code, Some(0), "{name}: {}", run.progress);
    }
    // A document of somebody else ends the search (RFC 9728, 3.3; RFC 8414, 3.3).
    for (path, why, document) in [
        (RESOURCE, "the metadata at", json!({"resource": "https://honest.example.com"})),
        (METADATA, "is for issuer", json!({"issuer": "https://honest.example.com"})),
    ] {
        let mock = Mock::start(move |hit: &Hit, facts: &Facts| match hit.path.as_str() {
            found if found == path => Some(ok(document.clone())),
            "/.well-known/oauth-protected-resource" => Some(resource(facts)),
            "/.well-known/openid-configuration" => Some(ok(facts.metadata())),
            "/mcp" => Some(
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response(),
            ),
            _ => None,
        })
        .await;
        headless(&mock, &[]).await.failed(why);
        assert_eq!(mock.count("/register"), 0, "{path}");
    }
}

#[tokio::test]
async fn endless_responses_are_cut_off() {
    type Cut = (&'static str, &'static str, fn() -> Response);
    let cases: [Cut; 9] = [
        (RESOURCE, "sent more than", || endless("application/json", "        ")),
        (METADATA, "sent more than", || endless("application/json", "[[[[[[[[")),
        ("/register", "sent more than", || endless("application/json", "{\"a\": 1}")),
        ("/token", "sent more than", || endless("application/json", "        ")),
        ("/mcp", "sent more than", || endless("application/json", "        ")),
        ("/mcp", "sent more than", || endless("text/event-stream", "data: aa")),
        ("/mcp", "within 2 s", || endless("text/event-stream", ": hi\n\n\n\n")),
        ("/token", "within 2 s", || stuck("application/json")),
        ("/mcp", "within 2 s", || stuck("text/event-stream")),
    ];
    for (path, why, answer) in cases {
        let mock = Mock::start(move |hit: &Hit, _: &Facts| {
            (hit.path == path && (path != "/mcp" || hit.authorization.contains(ACCESS)))
                .then(answer)
        })
        .await;
        headless(&mock, &["--timeout", "2"]).await.failed(why);
    }
    // Ten gigabytes by its own word.
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        let size = [(header::CONTENT_LENGTH, "10737418240")];
        (hit.path == RESOURCE)
            .then(|| (size, endless("application/json", "        ")).into_response())
    })
    .await;
    headless(&mock, &[]).await.failed("sent more than");
}

#[tokio::test]
async fn control_characters_of_a_server_do_not_reach_the_terminal() {
    let mock = redirecting_to(
        "{r}?error=access_denied&error_description=%1B%5B2Jboo%E2%80%AE&state={s}&iss={i}",
    )
    .await;
    let run = headless(&mock, &[]).await;
    run.failed("access_denied (\\u{1b}[2Jboo\\u{202e})");
    assert!(!run.progress.contains('\x1b'));
    run.failed("run again and consent");
}

#[tokio::test]
async fn an_error_names_the_invalid_document() {
    for (path, why, body) in [
        (RESOURCE, "protected resource metadata at", "not JSON"),
        (RESOURCE, "protected resource metadata at", "[]"),
        (RESOURCE, "names no authorization server", r#"{"resource": "URL/mcp"}"#),
        (METADATA, "publishes no authorization server metadata", "<html>"),
        ("/token", "token response at", r#"{"token_type": "Bearer"}"#),
        (
            "/token",
            "issued a token of type \"mac\"",
            r#"{"access_token": "x", "token_type": "mac"}"#,
        ),
        (
            "/token",
            "the token endpoint returned an error: invalid_grant",
            r#"{"error": "invalid_grant"}"#,
        ),
        ("/register", "registration response at", "{}"),
    ] {
        let mock = Mock::start(move |hit: &Hit, facts: &Facts| {
            (hit.path == path).then(|| body.replace("URL", &facts.url).into_response())
        })
        .await;
        headless(&mock, &[]).await.failed(why);
    }
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        (hit.path == RESOURCE).then(|| StatusCode::NOT_FOUND.into_response())
    })
    .await;
    headless(&mock, &[]).await.failed("returned 404");
}
