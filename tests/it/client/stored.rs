//! Stored credentials: which runs use them, how tokens are refreshed, what a logout removes.

use std::fs;

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    mock::{Facts, Hit, Mock, REFRESH, ok},
    run::{Home, assertion},
};

/// Changes the credentials file.
pub(super) fn edit(home: &Home, change: impl FnOnce(&mut Value)) {
    let mut stored = home.stored();
    change(&mut stored);
    fs::write(home.credentials(), stored.to_string()).unwrap();
}

/// Makes the stored token of the last login one that has expired.
pub(super) fn expire(home: &Home, mock: &Mock) {
    edit(home, |stored| stored["tokens"][mock.mcp()]["expires_at"] = json!(1));
}

/// A secret in a file of this folder, as a flag takes it.
fn secret(folder: &Home, text: &str) -> String {
    let file = folder.0.path().join("secret");
    fs::write(&file, text).unwrap();
    format!("@{}", file.display())
}

fn grants(mock: &Mock) -> Vec<String> {
    mock.hits("/token").into_iter().map(|hit| hit.form["grant_type"].clone()).collect()
}

fn last(mock: &Mock, path: &str) -> Hit {
    mock.hits(path).pop().unwrap()
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[tokio::test]
async fn a_stored_token_is_used_for_its_own_grant_and_client_only() {
    let folder = Home::new();
    let file = secret(&folder, "s");
    for (name, flags, grant) in [
        (
            "a machine's own token",
            vec!["--grant", "client_credentials", "--client-id", "me", "--client-secret", &file],
            "client_credentials",
        ),
        ("an assertion", vec!["--grant", "jwt-bearer"], JWT_BEARER),
        ("another client", vec!["--client-id", "me"], "authorization_code"),
    ] {
        for expired in [false, true] {
            let (mock, home) = (Mock::honest().await, Home::new());
            home.run(&mock, &[]).await.succeeded();
            if expired {
                expire(&home, &mock);
            }
            let (before, requests) = (home.stored(), mock.count("/mcp"));
            let jwt = secret(&home, &assertion(mock.facts.url.clone()));
            let mut flags = flags.clone();
            flags.extend(["--issuer", &mock.facts.url]);
            if grant == JWT_BEARER {
                flags.extend(["--assertion", &jwt]);
            }
            home.run(&mock, &flags).await.succeeded();
            assert_eq!(grants(&mock), ["authorization_code", grant], "{name}, expired: {expired}");
            assert_eq!(mock.hits("/mcp")[requests].authorization, "", "{name}");
            assert_eq!(home.stored()["tokens"], before["tokens"], "{name}: the other one is kept");
        }
    }
}

#[tokio::test]
async fn two_clients_of_one_user_keep_a_token_each() {
    let (mock, home) = (Mock::honest().await, Home::new());
    home.run(&mock, &[]).await.succeeded();
    home.run(&mock, &["--client-id", "me"]).await.succeeded();
    for (name, flags, token) in
        [("the last login", vec![], "-0"), ("by name", vec!["--client-id", "me"], "-1")]
    {
        home.run(&mock, &flags).await.succeeded();
        assert!(last(&mock, "/mcp").authorization.ends_with(token), "{name}");
    }
    assert_eq!(mock.count("/authorize"), 2);
    edit(&home, |stored| stored["tokens_by_client"][mock.mcp()]["me"]["expires_at"] = json!(1));
    home.run(&mock, &["--client-id", "me"]).await.succeeded();
    let refresh = last(&mock, "/token").form;
    assert_eq!(
        (&*refresh["refresh_token"], &*refresh["client_id"]),
        (&*format!("{REFRESH}1"), "me")
    );
    let stored = home.stored();
    assert_eq!(stored["tokens"][mock.mcp()]["refresh_token"], format!("{REFRESH}0"));
    assert_eq!(
        stored["tokens_by_client"][mock.mcp()]["me"]["refresh_token"],
        format!("{REFRESH}2")
    );
    home.run(&mock, &["--logout"]).await.succeeded();
    assert_eq!(
        (&home.stored()["tokens"], &home.stored()["tokens_by_client"]),
        (&json!({}), &json!({}))
    );
}

/// The point of the key that a proof shows.
fn key(hit: &Hit) -> Option<Value> {
    let proof = hit.headers.get("dpop")?.to_str().unwrap();
    let header = URL_SAFE_NO_PAD.decode(proof.split('.').next().unwrap()).unwrap();
    Some(serde_json::from_slice::<Value>(&header).unwrap()["jwk"]["x"].clone())
}

#[tokio::test]
async fn a_bearer_token_is_rejected_where_a_bound_one_was_requested() {
    let required = || {
        Mock::start(|hit: &Hit, facts: &Facts| {
            (hit.path == "/.well-known/oauth-protected-resource/mcp").then(|| {
                ok(json!({
                    "resource": format!("{}/mcp", facts.url),
                    "authorization_servers": [facts.url],
                    "dpop_bound_access_tokens_required": true,
                }))
            })
        })
    };
    for (name, mock, flags) in [
        ("by the user", Mock::honest().await, vec!["--dpop"]),
        ("by the resource", required().await, vec![]),
    ] {
        let home = Home::new();
        home.run(&mock, &flags).await.failed("issued a Bearer token");
        assert_eq!(home.stored()["tokens"], json!({}), "{name}");
        assert!(mock.hits("/mcp").iter().all(|hit| hit.authorization.is_empty()), "{name}");
    }
    // An unbound token of an earlier run does not count, either, and stays for runs that take it.
    let (mock, home) = (Mock::honest().await, Home::new());
    home.run(&mock, &[]).await.succeeded();
    home.run(&mock, &["--dpop"]).await.failed("issued a Bearer token");
    home.run(&mock, &[]).await.succeeded();
    assert_eq!(mock.count("/authorize"), 2);
}

#[tokio::test]
async fn a_refresh_uses_the_key_of_the_refresh_token_even_if_the_access_token_is_unbound() {
    let mock = Mock::start(|hit: &Hit, facts: &Facts| match hit.path.as_str() {
        "/token" if hit.earlier == 0 => {
            let mut tokens = facts.tokens(3600);
            tokens["token_type"] = json!("DPoP");
            Some(ok(tokens))
        }
        "/mcp" if hit.authorization.starts_with("DPoP ") => Some(super::mock::mcp(hit)),
        _ => None,
    })
    .await;
    let home = Home::new();
    home.run(&mock, &["--dpop"]).await.succeeded();
    for _ in 0..2 {
        expire(&home, &mock);
        home.run(&mock, &[]).await.succeeded();
        assert!(last(&mock, "/mcp").authorization.starts_with("Bearer "));
    }
    assert_eq!(grants(&mock), ["authorization_code", "refresh_token", "refresh_token"]);
    let keys: Vec<_> = mock.hits("/token").iter().map(key).collect();
    assert!(keys[0].is_some() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn a_stored_token_of_another_issuer_is_not_sent() {
    let (mock, home) = (Mock::honest().await, Home::new());
    home.run(&mock, &["--client-id", "me"]).await.succeeded();
    let requests = mock.count("/mcp");
    let elsewhere = ["--client-id", "me", "--issuer", "https://other.example.com"];
    home.run(&mock, &elsewhere).await.failed("not https://other.example.com");
    assert_eq!(mock.hits("/mcp")[requests].authorization, "");
    home.run(&mock, &["--issuer", &mock.facts.url]).await.succeeded();
    assert_eq!(mock.count("/authorize"), 1);
}

#[tokio::test]
async fn a_logout_removes_what_is_stored_even_without_a_token() {
    for (name, flags, old_file, removed) in [
        ("a registration", vec![], false, "removed: the registration at http"),
        ("one of an older program", vec![], true, "removed: the registration at http"),
        ("a client named by the user", vec!["--client-id", "me"], false, "that me belongs to"),
    ] {
        let mock = Mock::start(|hit: &Hit, _: &Facts| {
            (hit.path == "/token").then(|| {
                (StatusCode::UNAUTHORIZED, ok(json!({"error": "invalid_client"}))).into_response()
            })
        })
        .await;
        let home = Home::new();
        home.run(&mock, &flags).await.failed("run with --logout, then again");
        if old_file {
            edit(&home, |stored| drop(stored.as_object_mut().unwrap().remove("issuers")));
            home.run(&mock, &flags).await.failed("run with --logout, then again");
        }
        let run = home.run(&mock, &["--logout"]).await;
        run.succeeded();
        assert!(run.progress.contains(removed), "{name}: {}", run.progress);
        let stored = home.stored();
        for member in ["clients", "pre_registered", "issuers"] {
            assert_eq!(stored[member], json!({}), "{name}: {member}");
        }
        let run = home.run(&mock, &["--logout"]).await;
        assert!(run.progress.contains("nothing was stored"), "{name}: {}", run.progress);
    }
}

#[tokio::test]
async fn a_step_up_after_a_refresh_requests_the_union_of_scopes() {
    for (name, flags) in [
        ("the server names the scope", vec!["--scope", "a"]),
        ("the user names it, too", vec!["--scope", "a b"]),
    ] {
        let mock = Mock::start(|hit: &Hit, _: &Facts| {
            let call = hit.json["method"] == "tools/call" && !hit.authorization.ends_with("-3");
            let challenge = r#"Bearer error="insufficient_scope", scope="b""#;
            call.then(|| {
                (StatusCode::FORBIDDEN, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
            })
        })
        .await;
        let home = Home::new();
        home.run(&mock, &["--scope", "a"]).await.succeeded();
        expire(&home, &mock);
        home.run(&mock, &flags).await.succeeded();
        let stored = &home.stored()["tokens"][mock.mcp()];
        assert_eq!(stored["scope"], "a", "{name}: a refresh grants what was granted");
        expire(&home, &mock);
        home.run(&mock, &[&flags[..], &["--call", "t={}"]].concat()).await.succeeded();
        assert_eq!(
            grants(&mock),
            ["authorization_code", "refresh_token", "refresh_token", "authorization_code"],
            "{name}"
        );
        assert_eq!(last(&mock, "/authorize").query["scope"], "a b", "{name}");
    }
}

#[tokio::test]
async fn a_rejected_refresh_leads_to_a_login_and_an_outage_does_not() {
    let unavailable = r#"{"error": "temporarily_unavailable"}"#;
    for (name, status, body, stopped) in [
        ("an error", 400, r#"{"error": "invalid_grant"}"#, None),
        ("an error of another kind", 401, r#"{"error": "out_of_cheese"}"#, None),
        ("the page of a proxy", 400, "<html>", None),
        ("a page instead of a token", 200, "<html>", None),
        ("a token of no type", 200, r#"{"access_token": "x", "token_type": "N_A"}"#, None),
        ("a redirect", 302, "", None),
        ("a proxy without its server", 502, "<html>", Some("run with --logout")),
        ("a server that says so", 503, unavailable, Some("try again later")),
    ] {
        let mock = Mock::start(move |hit: &Hit, _: &Facts| {
            hit.form
                .contains_key("refresh_token")
                .then(|| (StatusCode::from_u16(status).unwrap(), body).into_response())
        })
        .await;
        let home = Home::new();
        home.run(&mock, &[]).await.succeeded();
        expire(&home, &mock);
        let (before, run) = (home.stored(), home.run(&mock, &[]).await);
        match stopped {
            Some(advice) => {
                run.failed(advice);
                assert_eq!((home.stored(), mock.count("/authorize")), (before, 1), "{name}");
            }
            None => {
                run.succeeded();
                assert_eq!(mock.count("/authorize"), 2, "{name}");
            }
        }
    }
}
