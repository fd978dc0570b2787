//! Registrations that do not last: deleted at the authorization server, or with a secret that expires.

use axum::{http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use super::{
    mock::{Facts, Hit, Mock, ok},
    run::Home,
    stored::{edit, expire},
};

/// An authorization server that does not know a client any more after its first token request.
async fn forgetting(client_id: &'static str) -> Mock {
    Mock::start(move |hit: &Hit, _: &Facts| {
        let deleted = hit.path == "/token"
            && hit.earlier > 0
            && (client_id == "all" || hit.form["client_id"] == client_id);
        deleted.then(|| {
            (StatusCode::UNAUTHORIZED, ok(json!({"error": "invalid_client"}))).into_response()
        })
    })
    .await
}

fn counts(mock: &Mock) -> (usize, usize) {
    (mock.count("/register"), mock.count("/authorize"))
}

#[tokio::test]
async fn a_deleted_registration_is_made_anew_once() {
    for (name, without_token, expected) in
        [("at a refresh", false, (2, 2)), ("at the exchange of a code", true, (2, 3))]
    {
        let (mock, home) = (forgetting("client-0").await, Home::new());
        home.run(&mock, &[]).await.succeeded();
        match without_token {
            true => edit(&home, |stored| stored["tokens"] = json!({})),
            false => expire(&home, &mock),
        }
        let run = home.run(&mock, &[]).await;
        run.succeeded();
        assert!(run.progress.contains("the client registers again"), "{name}: {}", run.progress);
        assert_eq!(counts(&mock), expected, "{name}");
        assert_eq!(home.stored()["clients"][&mock.facts.url]["client_id"], "client-1", "{name}");
        home.run(&mock, &[]).await.succeeded();
        assert_eq!(counts(&mock), expected, "{name}: and it is kept");
    }
    // A server that rejects every client gets one new registration, not one after the other.
    let (mock, home) = (forgetting("all").await, Home::new());
    home.run(&mock, &[]).await.succeeded();
    edit(&home, |stored| stored["tokens"] = json!({}));
    home.run(&mock, &[]).await.failed("invalid_client");
    assert_eq!(mock.count("/register"), 2);
}

#[tokio::test]
async fn an_expired_client_secret_leads_to_a_new_registration() {
    let registering = |expires_at: Value| {
        Mock::start(move |hit: &Hit, _: &Facts| {
            (hit.path == "/register").then(|| {
                let client = json!({
                    "client_id": format!("client-{}", hit.earlier),
                    "client_secret": "secret",
                    "client_secret_expires_at": expires_at,
                    "token_endpoint_auth_method": "client_secret_post",
                });
                (StatusCode::CREATED, ok(client)).into_response()
            })
        })
    };
    // RFC 7591, 3.2.1: seconds since 1970; 0 means never.
    for (name, expires_at, expected) in [
        ("in the past", json!(1), (2, 2)),
        ("never", json!(0), (1, 1)),
        ("in the future", json!(4_102_444_800_u64), (1, 1)),
        ("not stated", Value::Null, (1, 1)),
    ] {
        let (mock, home) = (registering(expires_at).await, Home::new());
        home.run(&mock, &[]).await.succeeded();
        expire(&home, &mock);
        home.run(&mock, &[]).await.succeeded();
        assert_eq!(counts(&mock), expected, "{name}");
    }
}
