//! What earlier runs left behind: who may use it, how it is renewed, how it is forgotten.

use std::fs;

use serde_json::{Value, json};

use super::{
    mock::{Hit, Mock, REFRESH},
    run::Home,
};

/// Changes the credentials file.
fn edit(home: &Home, change: impl FnOnce(&mut Value)) {
    let mut stored = home.stored();
    change(&mut stored);
    fs::write(home.credentials(), stored.to_string()).unwrap();
}

/// Makes the stored token of the last login one that has expired.
fn expire(home: &Home, mock: &Mock) {
    edit(home, |stored| stored["tokens"][mock.mcp()]["expires_at"] = json!(1));
}

fn grants(mock: &Mock) -> Vec<String> {
    mock.hits("/token").into_iter().map(|hit| hit.form["grant_type"].clone()).collect()
}

fn last(mock: &Mock, path: &str) -> Hit {
    mock.hits(path).pop().unwrap()
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[tokio::test]
async fn a_stored_token_is_for_the_grant_and_the_client_that_got_it() {
    let secret = Home::new();
    let file = secret.0.path().join("secret");
    fs::write(&file, "s").unwrap();
    let file = format!("@{}", file.display());
    for (name, flags, grant) in [
        (
            "a machine's own token",
            vec!["--grant", "client_credentials", "--client-id", "me", "--client-secret", &file],
            "client_credentials",
        ),
        ("an assertion", vec!["--grant", "jwt-bearer", "--assertion", &file], JWT_BEARER),
        ("another client", vec!["--client-id", "me"], "authorization_code"),
    ] {
        for expired in [false, true] {
            let (mock, home) = (Mock::honest().await, Home::new());
            home.run(&mock, &[]).await.succeeded();
            if expired {
                expire(&home, &mock);
            }
            let (before, requests) = (home.stored(), mock.count("/mcp"));
            home.run(&mock, &flags).await.succeeded();
            assert_eq!(grants(&mock), ["authorization_code", grant], "{name}, expired: {expired}");
            assert_eq!(mock.hits("/mcp")[requests].authorization, "", "{name}");
            assert_eq!(home.stored()["tokens"], before["tokens"], "{name}: the other one is kept");
        }
    }
}

#[tokio::test]
async fn two_clients_of_one_person_keep_a_token_each() {
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
    edit(&home, |stored| stored["named"][mock.mcp()]["me"]["expires_at"] = json!(1));
    home.run(&mock, &["--client-id", "me"]).await.succeeded();
    let refresh = last(&mock, "/token").form;
    assert_eq!(
        (&*refresh["refresh_token"], &*refresh["client_id"]),
        (&*format!("{REFRESH}1"), "me")
    );
    let stored = home.stored();
    assert_eq!(stored["tokens"][mock.mcp()]["refresh_token"], format!("{REFRESH}0"));
    assert_eq!(stored["named"][mock.mcp()]["me"]["refresh_token"], format!("{REFRESH}2"));
    home.run(&mock, &["--forget"]).await.succeeded();
    assert_eq!((&home.stored()["tokens"], &home.stored()["named"]), (&json!({}), &json!({})));
}

#[tokio::test]
async fn a_token_of_another_issuer_than_the_wanted_one_is_not_shown() {
    let (mock, home) = (Mock::honest().await, Home::new());
    home.run(&mock, &["--client-id", "me"]).await.succeeded();
    let requests = mock.count("/mcp");
    let elsewhere = ["--client-id", "me", "--issuer", "https://other.example.com"];
    home.run(&mock, &elsewhere).await.refused("names no authorization server that fits");
    assert_eq!(mock.hits("/mcp")[requests].authorization, "");
    home.run(&mock, &["--issuer", &mock.facts.url]).await.succeeded();
    assert_eq!(mock.count("/authorize"), 1);
}
