//! Hostile servers. First what the conformance suite does not check: `state`, S256, the redirect URI, endless challenges.

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    mock::{CODE, Facts, Hit, Mock, encode, honest, ok, redirect, unauthorized},
    run::headless,
};

pub(super) const METADATA: &str = "/.well-known/oauth-authorization-server";
pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";

/// A server whose authorization endpoint redirects to `to`: `{r}`, `{s}`, `{i}` stand for redirect URI, state, issuer.
pub(super) async fn redirecting_to(to: &'static str) -> Mock {
    Mock::start(move |hit: &Hit, facts: &Facts| {
        (hit.path == "/authorize").then(|| {
            let to =
                to.replace("{r}", &hit.query["redirect_uri"]).replace("{s}", &hit.query["state"]);
            redirect(&to.replace("{i}", &encode(&facts.url)))
        })
    })
    .await
}

/// A server whose authorization server metadata is changed.
pub(super) async fn with_metadata(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Mock {
    Mock::start(move |hit: &Hit, facts: &Facts| {
        (hit.path == METADATA).then(|| {
            let mut metadata = facts.metadata();
            change(&mut metadata);
            ok(metadata)
        })
    })
    .await
}

#[tokio::test]
async fn an_honest_server_is_used() {
    let mock = Mock::honest().await;
    let run = headless(&mock, &["--call", "t={}"]).await;
    run.succeeded();
    assert_eq!(run.results[0]["tools"][0]["name"], "t");
    assert_eq!(run.results[1]["result"]["content"][0]["text"], "done");
    let (authorize, token) = (mock.hits("/authorize"), mock.hits("/token"));
    assert_eq!((authorize.len(), token.len()), (1, 1));
    for parameters in [&authorize[0].query, &token[0].form] {
        assert_eq!(parameters["resource"], mock.mcp(), "byte for byte");
    }
    assert_eq!(token[0].form["redirect_uri"], authorize[0].query["redirect_uri"]);
    assert!(token[0].form["code_verifier"].len() >= 43);
}

#[tokio::test]
async fn a_response_that_is_not_for_this_request_is_not_used() {
    for (why, to) in [
        ("missing or wrong state", "{r}?code=c&iss={i}"),
        ("missing or wrong state", "{r}?code=c&state=&iss={i}"),
        ("missing or wrong state", "{r}?code=c&state=x{s}&iss={i}"),
        ("missing or wrong state", "{r}?code=c&state=x&state={s}&iss={i}"),
        ("repeats code", "{r}?code=c&code=d&state={s}&iss={i}"),
        ("missing or wrong state", "{r}?error=access_denied&error_description=evil-words"),
        ("neither a code nor an error", "{r}?state={s}&iss={i}"),
    ] {
        let mock = redirecting_to(to).await;
        let run = headless(&mock, &[]).await;
        run.failed(why);
        assert!(!run.progress.contains("evil-words") && mock.count("/token") == 0, "{to}");
    }
}

#[tokio::test]
async fn a_code_of_another_issuer_is_not_used() {
    for (why, to) in [
        ("from another issuer", "{r}?code=c&state={s}&iss=https%3A%2F%2Fevil.example.com"),
        ("from another issuer", "{r}?code=c&state={s}&iss={i}%2F"),
        ("has no `iss`", "{r}?code=c&state={s}"),
        (
            "from another issuer",
            "{r}?error=access_denied&error_description=click-here&state={s}&iss=https%3A%2F%2Fe",
        ),
    ] {
        let mock = redirecting_to(to).await;
        let run = headless(&mock, &[]).await;
        run.failed(why);
        // On a mismatch nothing of the error is acted on or shown (RFC 9207, 2.4).
        assert!(
            !run.progress.contains("click-here") && mock.count("/token") == 0,
            "{to}: {}",
            run.progress
        );
    }
}

#[tokio::test]
async fn a_response_at_another_redirect_uri_is_not_used() {
    for to in [
        "https://evil.example.com/callback?code=c&state={s}&iss={i}",
        "http://127.0.0.1:1/callback?code=c&state={s}&iss={i}",
        "{r}/more?code=c&state={s}&iss={i}",
        "{r}.evil.example.com/?code=c&state={s}&iss={i}",
        "http://127.0.0.1@evil.example.com/callback?code=c&state={s}&iss={i}",
        "file:///tmp/callback?code=c&state={s}&iss={i}",
        "custom:callback?code=c&state={s}&iss={i}",
    ] {
        let mock = redirecting_to(to).await;
        headless(&mock, &[]).await.failed("redirects to");
        assert_eq!(mock.count("/token"), 0, "{to}");
    }
}

#[tokio::test]
async fn a_server_without_s256_is_rejected_unless_it_is_assumed() {
    for methods in [json!(null), json!([]), json!(["plain"]), json!(["s256"])] {
        let mock =
            with_metadata(move |m| m["code_challenge_methods_supported"] = methods.clone()).await;
        headless(&mock, &[]).await.failed("does not offer PKCE with S256");
        assert_eq!(mock.count("/authorize"), 0);
        headless(&mock, &["--assume-pkce-s256"]).await.succeeded();
        assert_eq!(mock.hits("/authorize")[0].query["code_challenge_method"], "S256");
    }
}

#[tokio::test]
async fn endless_challenges_end_after_few_authorizations() {
    let mock = Mock::start(|hit, facts| (hit.path == "/mcp").then(|| unauthorized(facts))).await;
    headless(&mock, &[]).await.failed("has just issued gets a 401");
    assert_eq!(mock.count("/authorize"), 1);

    let always = |scope: fn(usize) -> String| {
        Mock::start(move |hit: &Hit, _: &Facts| {
            (hit.path == "/mcp" && !hit.authorization.is_empty()).then(|| {
                let challenge =
                    format!(r#"Bearer error="insufficient_scope", scope="{}""#, scope(hit.earlier));
                (StatusCode::FORBIDDEN, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
            })
        })
    };
    let mock = always(|_| "x".to_owned()).await;
    headless(&mock, &[]).await.failed("the granted scopes are not enough");
    assert_eq!(mock.count("/authorize"), 2, "once, and once more for the scope");

    // A new scope each time looks like progress, but not for long. Every token that the user consents to is used.
    let mock = always(|number| format!("x{number}")).await;
    headless(&mock, &[]).await.failed("the server still rejects");
    assert_eq!(mock.count("/authorize"), 3);
    assert_eq!(mock.count("/mcp"), 4, "the first request, and one for each token");

    // Accepted once, then refused: one authorization for each request, and an end to that, too.
    let mock = Mock::start(|hit: &Hit, facts: &Facts| {
        if hit.path == "/token" {
            let mut tokens = facts.tokens(3600);
            tokens.as_object_mut().unwrap().remove("refresh_token");
            return Some(ok(tokens));
        }
        (hit.path == "/mcp" && hit.earlier.is_multiple_of(2)).then(|| unauthorized(facts))
    })
    .await;
    let calls: Vec<_> = std::iter::repeat_n(["--call", "t={}"], 20).flatten().collect();
    headless(&mock, &calls).await.failed("the server still rejects");
    assert!(mock.count("/authorize") <= 8, "{}", mock.count("/authorize"));
}

#[tokio::test]
async fn an_authorization_page_needs_a_user() {
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        (hit.path == "/authorize").then(|| "<h1>Log in</h1>".into_response())
    })
    .await;
    headless(&mock, &[]).await.failed("run again without --headless");
    // A hop on the way, within the authorization server, is followed.
    let mock = Mock::start(|hit: &Hit, facts: &Facts| match hit.path.as_str() {
        "/authorize" => Some(redirect(&format!(
            "/sso?state={}&r={}",
            hit.query["state"],
            encode(&hit.query["redirect_uri"])
        ))),
        "/sso" => Some(redirect(&format!(
            "{}?code={CODE}&state={}&iss={}",
            hit.query["r"],
            hit.query["state"],
            encode(&facts.url)
        ))),
        _ => None,
    })
    .await;
    headless(&mock, &[]).await.succeeded();
    assert!(honest(&mock.hits("/mcp")[0], &mock.facts).status() == StatusCode::UNAUTHORIZED);
}
