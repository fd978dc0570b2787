//! The user's login: a browser and the callback server, a pasted address, and requests of other programs in between.

use std::{
    io::{BufRead, BufReader, Write},
    process::Child,
    thread,
    time::Duration,
};

use axum::response::IntoResponse;
use tokio::sync::oneshot;
use url::Url;

use super::{
    mock::{Facts, Hit, Mock, redirect},
    run::{Home, finish},
};

/// Starts step 11 without a browser and reads until it shows the login address.
async fn waiting(home: &Home, mock: &Mock) -> (Child, Url) {
    waiting_with(home, mock, &[]).await
}

async fn waiting_with(home: &Home, mock: &Mock, flags: &[&str]) -> (Child, Url) {
    let file = home.credentials();
    let kept = ["--no-browser", "--credentials-file", file.to_str().unwrap()];
    let mut child = home.start(mock, kept.iter().chain(flags));
    let errors = BufReader::new(child.stderr.take().unwrap());
    let (found, url) = oneshot::channel::<String>();
    // Read to the end, so that it is never blocked.
    thread::spawn(move || {
        let mut lines = errors.lines().map_while(Result::ok);
        let url = lines.find(|line| line.starts_with("http://"));
        url.map(|url| found.send(url));
        lines.for_each(drop);
    });
    let url = tokio::time::timeout(Duration::from_secs(30), url).await.expect("soon");
    let url = url.expect("the login address").parse().unwrap();
    (child, url)
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

fn param(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned()
}

#[tokio::test]
async fn a_browser_returns_to_the_callback_server() {
    let (mock, home) = (Mock::honest().await, Home::new());
    let (child, url) = waiting(&home, &mock).await;
    assert!(param(&url, "redirect_uri").starts_with("http://127.0.0.1:"));
    let page = browser().get(url).send().await.unwrap();
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert!(page.text().await.unwrap().contains("Login successful"));
    finish(child).await.succeeded();
}

#[tokio::test]
async fn responses_without_the_state_are_rejected_and_the_wait_goes_on() {
    let (mock, home) = (Mock::honest().await, Home::new());
    let (child, url) = waiting(&home, &mock).await;
    let callback = param(&url, "redirect_uri");
    for (path, status) in [
        ("?code=stolen&state=guessed", 400),
        ("?code=stolen", 400),
        ("?error=access_denied", 400),
        ("?code=stolen&code=again", 400),
        ("?code=stolen&state=guessed&state=again", 400),
        ("", 400),
        ("/more?code=stolen", 404),
    ] {
        let answer = browser().get(format!("{callback}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    // One that opens a connection and says nothing does not hold up the others.
    let address = callback.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let _silent = tokio::net::TcpStream::connect(address).await.unwrap();
    assert_eq!(mock.count("/token"), 0);
    assert!(
        browser().get(url).send().await.unwrap().text().await.unwrap().contains("Login successful")
    );
    finish(child).await.succeeded();
    assert_eq!(mock.count("/token"), 1);
}

#[tokio::test]
async fn a_pasted_address_is_accepted() {
    let (mock, home) = (Mock::honest().await, Home::new());
    let (mut child, url) = waiting(&home, &mock).await;
    let (callback, state, issuer) =
        (param(&url, "redirect_uri"), param(&url, "state"), &mock.facts.url);
    let mut terminal = child.stdin.take().unwrap();
    for line in [
        "what?".to_owned(),
        format!("https://evil.example.com/callback?code=x&state={state}"),
        format!("{callback}?code=x&state=other"),
        String::new(),
        format!("  {callback}?code=x&state={state}&iss={issuer}  "),
    ] {
        writeln!(terminal, "{line}").unwrap();
    }
    finish(child).await.succeeded();
    assert_eq!(mock.hits("/token")[0].form["code"], "x");
}

#[tokio::test]
async fn a_denial_is_explained_on_the_page_and_escaped() {
    let mock = Mock::start(|hit: &Hit, facts: &Facts| {
        (hit.path == "/authorize").then(|| {
            redirect(&format!(
                "{}?error=access_denied&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E&state={}&iss={}",
                hit.query["redirect_uri"], hit.query["state"], facts.url
            ))
        })
    })
    .await;
    let home = Home::new();
    let (child, url) = waiting(&home, &mock).await;
    let page = browser().get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Login failed") && page.contains("&#60;script"), "{page}");
    assert!(!page.contains("<script"));
    assert_eq!(finish(child).await.code, Some(1));
}

#[tokio::test]
async fn the_port_of_the_registration_is_used_again_unless_it_is_taken() {
    let (mock, home) = (Mock::honest().await, Home::new());
    let (child, url) = waiting(&home, &mock).await;
    let first = param(&url, "redirect_uri");
    browser().get(url).send().await.unwrap();
    finish(child).await.succeeded();

    let forget_tokens = || {
        let mut stored = home.stored();
        stored["tokens"] = serde_json::json!({});
        std::fs::write(home.credentials(), stored.to_string()).unwrap();
    };
    forget_tokens();
    let (child, url) = waiting(&home, &mock).await;
    assert_eq!(param(&url, "redirect_uri"), first);
    assert_eq!(mock.count("/register"), 1);
    browser().get(url).send().await.unwrap();
    finish(child).await.succeeded();

    forget_tokens();
    let address = first.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let _taken = tokio::net::TcpListener::bind(address).await.unwrap();
    let (child, url) = waiting(&home, &mock).await;
    assert_ne!(param(&url, "redirect_uri"), first);
    assert_eq!(mock.count("/register"), 2, "a registration is good for its own address only");
    browser().get(url).send().await.unwrap();
    finish(child).await.succeeded();
}

#[tokio::test]
async fn a_deleted_registration_is_made_anew_before_the_user_sees_an_error() {
    // The first client is known for one authorization, then the server has lost its registrations.
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        let deleted =
            hit.path == "/authorize" && hit.query["client_id"] == "client-0" && hit.earlier > 0;
        deleted.then(|| (axum::http::StatusCode::BAD_REQUEST, "unknown client").into_response())
    })
    .await;
    let home = Home::new();
    let (child, url) = waiting(&home, &mock).await;
    browser().get(url).send().await.unwrap();
    finish(child).await.succeeded();

    let mut stored = home.stored();
    stored["tokens"] = serde_json::json!({});
    std::fs::write(home.credentials(), stored.to_string()).unwrap();
    let (child, url) = waiting(&home, &mock).await;
    assert_eq!(param(&url, "client_id"), "client-1");
    browser().get(url).send().await.unwrap();
    finish(child).await.succeeded();
}

#[tokio::test]
async fn a_quiet_run_still_shows_where_to_log_in() {
    for quiet in ["--quiet", "--format=json"] {
        let (mock, home) = (Mock::honest().await, Home::new());
        let (child, url) = waiting_with(&home, &mock, &[quiet]).await;
        browser().get(url).send().await.unwrap();
        finish(child).await.succeeded();
    }
}
