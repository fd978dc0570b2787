//! The credentials file: stored between runs, for its owner only, replaced as a whole, shared by concurrent runs.

use std::{
    collections::HashSet,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use super::{
    mock::{Facts, Hit, Mock, REFRESH, ok, unauthorized},
    run::{Home, finish},
};

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_second_run_needs_no_login_until_a_logout() {
    let (mock, home) = (Mock::honest().await, Home::new());
    home.run(&mock, &[]).await.succeeded();
    #[cfg(unix)]
    {
        assert_eq!(mode(&home.credentials()), 0o600);
        assert_eq!(mode(home.credentials().parent().unwrap()), 0o700);
    }
    home.run(&mock, &[]).await.succeeded();
    assert_eq!((mock.count("/register"), mock.count("/authorize")), (1, 1), "the token was kept");

    home.run(&mock, &["--logout"]).await.succeeded();
    assert_eq!(home.stored()["tokens"], json!({}));
    assert_eq!(home.stored()["clients"], json!({}));
    home.run(&mock, &[]).await.succeeded();
    assert_eq!((mock.count("/register"), mock.count("/authorize")), (2, 2));
}

#[tokio::test]
async fn a_registration_is_kept_when_its_tokens_are_gone() {
    let (mock, home) = (Mock::honest().await, Home::new());
    home.run(&mock, &[]).await.succeeded();
    let mut stored = home.stored();
    stored["tokens"] = json!({});
    fs::write(home.credentials(), stored.to_string()).unwrap();
    home.run(&mock, &[]).await.succeeded();
    assert_eq!((mock.count("/register"), mock.count("/authorize")), (1, 2));
    // A scope that the registration does not cover needs a new one.
    stored["tokens"] = json!({});
    fs::write(home.credentials(), stored.to_string()).unwrap();
    home.run(&mock, &["--scope", "a new"]).await.succeeded();
    assert_eq!(mock.count("/register"), 2);
}

#[tokio::test]
async fn a_headless_run_stores_nothing_unless_a_file_is_named() {
    let (mock, home) = (Mock::honest().await, Home::new());
    finish(home.start(&mock, ["--headless"])).await.succeeded();
    assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_credentials_file_that_others_can_read_is_rejected() {
    use std::os::unix::fs::PermissionsExt;
    let (mock, home) = (Mock::honest().await, Home::new());
    home.run(&mock, &[]).await.succeeded();
    fs::set_permissions(home.credentials(), fs::Permissions::from_mode(0o644)).unwrap();
    home.run(&mock, &[]).await.failed("run: chmod 600");
}

#[tokio::test]
async fn a_file_that_is_no_credentials_file_is_not_changed() {
    let (mock, home) = (Mock::honest().await, Home::new());
    home.run(&mock, &[]).await.succeeded();
    for text in ["", "{", "[1]", "{\"tokens\": 1}"] {
        fs::write(home.credentials(), text).unwrap();
        home.run(&mock, &[]).await.failed("is not a credentials file");
        assert_eq!(fs::read_to_string(home.credentials()).unwrap(), text);
    }
}

/// Tokens that are over as soon as they are issued, refresh tokens that are good once: who shows an old one is taken
/// for a thief, and nobody gets in any more (OAuth 2.1, 4.3.1).
async fn rotating(first_expires_in: u64) -> (Mock, Arc<Mutex<Vec<String>>>) {
    let stolen = Arc::new(Mutex::new(Vec::new()));
    let used = Mutex::new(HashSet::new());
    let thefts = stolen.clone();
    let mock = Mock::start(move |hit: &Hit, facts: &Facts| {
        if hit.path != "/token" {
            return None;
        }
        let Some(token) = hit.form.get("refresh_token") else {
            return Some(ok(facts.tokens(first_expires_in)));
        };
        if !used.lock().unwrap().insert(token.clone()) {
            thefts.lock().unwrap().push(token.clone());
            return Some(
                (StatusCode::BAD_REQUEST, ok(json!({"error": "invalid_grant"}))).into_response(),
            );
        }
        // Slow enough for two to meet.
        std::thread::sleep(Duration::from_millis(150));
        Some(ok(facts.tokens(3600)))
    })
    .await;
    (mock, stolen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_expired_token_is_refreshed_and_the_new_refresh_token_stored() {
    let (mock, stolen) = rotating(0).await;
    let home = Home::new();
    home.run(&mock, &[]).await.succeeded();
    assert_eq!(mock.count("/authorize"), 1);
    let refreshes = |mock: &Mock| {
        mock.hits("/token")
            .into_iter()
            .filter(|hit| hit.form["grant_type"] == "refresh_token")
            .count()
    };
    assert_eq!(refreshes(&mock), 1, "before it expires, in the same run");
    assert_eq!(home.stored()["tokens"][mock.mcp()]["refresh_token"], format!("{REFRESH}1"));
    let refresh = mock.hits("/token").pop().unwrap();
    assert_eq!(refresh.form["resource"], mock.mcp());
    assert_eq!(refresh.form["client_id"], "client-0");
    home.run(&mock, &[]).await.succeeded();
    assert_eq!((refreshes(&mock), mock.count("/authorize")), (1, 1), "still good");
    assert!(stolen.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_runs_at_once_take_turns_with_the_refresh_token() {
    let (mock, stolen) = rotating(3600).await;
    let home = Home::new();
    home.run(&mock, &[]).await.succeeded();
    for _ in 0..3 {
        let mut stored = home.stored();
        stored["tokens"][mock.mcp()]["expires_at"] = json!(1);
        fs::write(home.credentials(), stored.to_string()).unwrap();
        let runs = [home.run(&mock, &[]), home.run(&mock, &[]), home.run(&mock, &[])];
        let [a, b, c] = runs;
        let (a, b, c) = tokio::join!(a, b, c);
        [a, b, c].iter().for_each(|run| run.succeeded());
    }
    assert!(stolen.lock().unwrap().is_empty(), "{:?}", stolen.lock().unwrap());
    assert_eq!(mock.count("/authorize"), 1, "nobody was asked again");
    assert_eq!(mock.count("/token"), 1 + 3, "one refresh for all three");
}

#[tokio::test]
async fn a_401_leads_to_one_refresh_and_an_invalid_refresh_token_to_a_login() {
    // The server forgets the first token; it would take the refreshed one.
    let mock = Mock::start(|hit: &Hit, facts: &Facts| {
        (hit.path == "/mcp" && hit.earlier > 2 && hit.authorization.ends_with("-0"))
            .then(|| unauthorized(facts))
    })
    .await;
    let home = Home::new();
    home.run(&mock, &["--call", "t={}"]).await.succeeded();
    assert_eq!((mock.count("/token"), mock.count("/authorize")), (2, 1));

    let mock = Mock::start(|hit: &Hit, facts: &Facts| {
        if hit.path == "/token" && hit.form["grant_type"] == "refresh_token" {
            return Some(
                (StatusCode::BAD_REQUEST, ok(json!({"error": "invalid_grant"}))).into_response(),
            );
        }
        (hit.path == "/mcp" && hit.earlier > 2 && hit.authorization.ends_with("-0"))
            .then(|| unauthorized(facts))
    })
    .await;
    home.run(&mock, &["--call", "t={}"]).await.succeeded();
    assert_eq!((mock.count("/token"), mock.count("/authorize")), (3, 2));
}

#[cfg(unix)]
#[tokio::test]
async fn a_run_that_is_killed_leaves_a_complete_credentials_file_or_none() {
    let (mock, home) = (Mock::honest().await, Home::new());
    let file = home.credentials();
    for round in 0..40_u64 {
        let arguments = [
            "--headless",
            "--scope",
            &format!("s{round}"),
            "--credentials-file",
            file.to_str().unwrap(),
        ];
        let mut child = home.start(&mock, arguments);
        tokio::time::sleep(Duration::from_millis(5 + round * 2)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        if file.exists() {
            assert!(home.stored().is_object(), "round {round}");
            let mut stored: Value = home.stored();
            stored["tokens"] = json!({});
            fs::write(&file, stored.to_string()).unwrap();
        }
    }
    // The lock of the dead is free, and the next one gets in.
    home.run(&mock, &[]).await.succeeded();
}

#[tokio::test]
async fn a_client_that_was_registered_beforehand_stays_with_its_issuer() {
    let (home, first, second) = (Home::new(), Mock::honest().await, Mock::honest().await);
    home.run(&first, &["--client-id", "me"]).await.succeeded();
    assert_eq!(
        (first.count("/register"), &*first.hits("/authorize")[0].query["client_id"]),
        (0, "me")
    );
    home.run(&second, &["--client-id", "me"]).await.failed("belongs to");
    assert_eq!(second.count("/authorize"), 0);
    home.run(&second, &["--client-id", "me", "--issuer", &second.facts.url]).await.succeeded();
}

#[tokio::test]
async fn a_rejected_refresh_token_of_an_old_registration_leads_to_a_new_one() {
    // Born again with other keys: nothing of before is good any more.
    let (mock, home) = (
        Mock::start(|hit: &Hit, facts: &Facts| {
            let old = hit.form.get("refresh_token").is_some_and(|token| token.ends_with("-0"));
            if hit.path == "/token" && old {
                return Some(
                    (StatusCode::BAD_REQUEST, ok(json!({"error": "invalid_client"})))
                        .into_response(),
                );
            }
            (hit.path == "/mcp" && hit.earlier > 2 && hit.authorization.ends_with("-0"))
                .then(|| unauthorized(facts))
        })
        .await,
        Home::new(),
    );
    home.run(&mock, &[]).await.succeeded();
    home.run(&mock, &[]).await.succeeded();
    assert_eq!(mock.count("/authorize"), 2);
}
