//! Discovery in the field: challenges, metadata and issuers as real servers have them.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    hostile::{METADATA, RESOURCE, with_metadata},
    mock::{Facts, Hit, Mock, ok},
    run::headless,
    session::{legacy, result},
};

/// A server whose challenge is this header.
async fn challenging(challenge: &'static str) -> Mock {
    Mock::start(move |hit: &Hit, facts: &Facts| {
        (hit.path == "/mcp" && hit.authorization.is_empty()).then(|| {
            let challenge = challenge.replace("{u}", &facts.url);
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
        })
    })
    .await
}

#[tokio::test]
async fn a_contradictory_or_broken_challenge_leads_to_the_well_known_locations() {
    for (name, challenge, problem) in [
        (
            "two values",
            r#"Bearer resource_metadata="{u}/a", resource_metadata="{u}/b""#,
            "`resource_metadata` twice",
        ),
        (
            "two challenges",
            r#"Bearer resource_metadata="{u}/a", DPoP resource_metadata="{u}/b""#,
            "`resource_metadata` is given with different values",
        ),
        ("no comma", r#"Bearer scope="a" resource_metadata="{u}/a""#, "malformed at byte"),
    ] {
        let mock = challenging(challenge).await;
        let run = headless(&mock, &[]).await;
        run.succeeded();
        assert!(run.progress.contains(problem), "{name}: {}", run.progress);
        assert_eq!((mock.count("/a"), mock.count("/b"), mock.count(RESOURCE)), (0, 0, 1), "{name}");
    }
}

#[tokio::test]
async fn a_challenge_of_hundreds_of_kilobytes_is_not_parsed() {
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        (hit.path == "/mcp" && hit.authorization.is_empty()).then(|| {
            let params: Vec<_> = (0..30_000).map(|n| format!("p{n}=1")).collect();
            let challenge = format!("Bearer {}", params.join(", "));
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
        })
    })
    .await;
    let run = headless(&mock, &[]).await;
    run.succeeded();
    assert!(run.progress.contains("WWW-Authenticate has more than 16384 bytes"));
}

#[tokio::test]
async fn null_counts_as_absent_and_a_wrong_type_is_named() {
    let with = |path: &'static str, name: &'static str, value: Value| {
        Mock::start(move |hit: &Hit, facts: &Facts| {
            let mut document = match hit.path.as_str() {
                RESOURCE => json!({
                    "resource": format!("{}/mcp", facts.url),
                    "authorization_servers": [facts.url],
                }),
                METADATA => facts.metadata(),
                "/token" => facts.tokens(3600),
                _ => return None,
            };
            if hit.path == path {
                document[name] = value.clone();
            }
            Some(ok(document))
        })
    };
    for (path, name, wrong, problem) in [
        (RESOURCE, "scopes_supported", json!("a b"), "is a string; it must be a list"),
        (RESOURCE, "dpop_bound_access_tokens_required", json!("no"), "it must be true or false"),
        (METADATA, "scopes_supported", json!([1]), "must be a string"),
        (METADATA, "registration_endpoint", json!({}), "is an object; it must be a string"),
        ("/token", "refresh_token", json!(7), "is a number; it must be a string"),
    ] {
        // The registration endpoint is needed.
        if name != "registration_endpoint" {
            headless(&with(path, name, Value::Null).await, &[]).await.succeeded();
        }
        let run = headless(&with(path, name, wrong).await, &[]).await;
        run.failed(&format!("`{name}`"));
        run.failed(problem);
    }
}

#[tokio::test]
async fn an_issuer_with_a_template_is_explained() {
    let template = "https://login.example.com/{tenantid}/v2.0";
    let mock = with_metadata(move |m| m["issuer"] = json!(template)).await;
    headless(&mock, &[]).await.failed("stands for a tenant");

    let mock = Mock::start(move |hit: &Hit, facts: &Facts| {
        let resource = format!("{}/mcp", facts.url);
        (hit.path == RESOURCE)
            .then(|| ok(json!({"resource": resource, "authorization_servers": [template]})))
    })
    .await;
    let run = headless(&mock, &[]).await;
    run.failed("is a template, not an issuer");
    run.failed("stands for a tenant");
}

/// A server of MCP 2025-03-26: it issues the tokens itself and has no protected resource metadata.
async fn server_of_2025_03_26() -> Mock {
    Mock::start(|hit: &Hit, facts: &Facts| -> Option<Response> {
        match (hit.path.as_str(), hit.json["method"].as_str()) {
            (path, _) if path.contains("oauth-protected-resource") => {
                Some(StatusCode::NOT_FOUND.into_response())
            }
            ("/mcp", _) if hit.authorization.is_empty() => {
                Some(StatusCode::UNAUTHORIZED.into_response())
            }
            ("/mcp", Some("initialize")) => {
                let revision =
                    json!({"protocolVersion": "2025-03-26", "capabilities": {"tools": {}}});
                Some(result(hit, revision))
            }
            ("/mcp", _) => Some(legacy(hit)),
            (METADATA, _) => Some(ok(facts.metadata())),
            _ => None,
        }
    })
    .await
}

#[tokio::test]
async fn a_server_of_2025_03_26_is_recognized_and_used_on_request() {
    let mock = server_of_2025_03_26().await;
    let run = headless(&mock, &[]).await;
    run.failed("as in MCP 2025-03-26");
    run.failed("pass --protocol-version 2025-03-26");
    assert_eq!(mock.count("/register"), 0);
    let run = headless(&mock, &["--protocol-version", "2025-03-26", "--call", "t={}"]).await;
    run.succeeded();
    assert_eq!(run.results[0]["protocol"], "2025-03-26");

    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        (hit.path != "/mcp").then(|| StatusCode::NOT_FOUND.into_response()).or_else(|| {
            hit.authorization.is_empty().then(|| StatusCode::UNAUTHORIZED.into_response())
        })
    })
    .await;
    headless(&mock, &[]).await.failed("401 without resource metadata");
}

#[tokio::test]
async fn nothing_is_created_at_a_server_without_pkce() {
    for methods in [Value::Null, json!(["plain"])] {
        let mock =
            with_metadata(move |m| m["code_challenge_methods_supported"] = methods.clone()).await;
        headless(&mock, &[]).await.failed("does not offer PKCE with S256");
        assert_eq!(mock.count("/register"), 0);
    }
}

/// RFC 9728, 7.6: the client chooses. It takes the first, unless `--issuer` names another one of the list.
#[tokio::test]
async fn of_several_authorization_servers_the_first_or_the_pinned_one_is_used() {
    let second = Mock::honest().await;
    let other = second.facts.url.clone();
    let first = Mock::start(move |hit: &Hit, facts: &Facts| {
        let servers = [&facts.url, &other];
        (hit.path == RESOURCE).then(|| {
            ok(json!({"resource": format!("{}/mcp", facts.url), "authorization_servers": servers}))
        })
    })
    .await;
    let run = headless(&first, &[]).await;
    run.succeeded();
    assert!(run.progress.contains("2 are named; --issuer selects another one"), "{}", run.progress);
    assert_eq!((first.count("/token"), second.count("/token")), (1, 0));
    assert_eq!(second.count(METADATA), 0, "the other one is not even asked");

    let run = headless(&first, &["--issuer", &second.facts.url]).await;
    run.succeeded();
    assert_eq!((first.count("/token"), second.count("/token")), (1, 1));
    assert_eq!(first.count(METADATA), 1);

    // The first one is gone: nothing is sent to the second unless the user says so.
    let gone = "http://localhost:1";
    let mock = Mock::start(move |hit: &Hit, facts: &Facts| {
        let servers = [gone, &facts.url];
        (hit.path == RESOURCE).then(|| {
            ok(json!({"resource": format!("{}/mcp", facts.url), "authorization_servers": servers}))
        })
    })
    .await;
    headless(&mock, &[]).await.failed(gone);
    assert_eq!(mock.count("/token"), 0);
}
