//! The token endpoint: what a code or a refresh token is good for, and what it is not.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use mcp_auth::auth::verify::TokenError;

use super::support::{
    Answer, CALLBACK, CHALLENGE, ISSUER, RESOURCE, VERIFIER, World, claims, encode, redemption,
};

fn refused(answer: &Answer, error: &str, what: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {answer:?}");
    assert_eq!(answer.json()["error"], error, "{what}: {answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
}

#[tokio::test]
async fn a_code_is_bound_to_client_place_verifier_and_resource() {
    let world = World::new();
    let stranger = world
        .post_json(
            "/auth/register",
            r#"{"redirect_uris":["http://localhost/cb"],"token_endpoint_auth_method":"none"}"#,
        )
        .await;
    let stranger = stranger.json()["client_id"].as_str().unwrap().to_owned();
    for (what, name, value, error) in [
        (
            "wrong verifier",
            "code_verifier",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX",
            "invalid_grant",
        ),
        ("the challenge as verifier", "code_verifier", CHALLENGE, "invalid_grant"),
        ("another place", "redirect_uri", "http://127.0.0.1:3761/callback", "invalid_grant"),
        ("another client", "client_id", stranger.as_str(), "invalid_grant"),
        ("another resource of ours", "resource", ISSUER, "invalid_target"),
        ("a foreign resource", "resource", "https://evil.example/mcp", "invalid_target"),
    ] {
        let code = world.code("alice", &[]).await;
        let mut form: Vec<_> = redemption(&code).into_iter().filter(|(n, _)| *n != name).collect();
        form.push((name, value));
        refused(&world.token(&form).await, error, what);
        refused(&world.exchange(&code).await, "invalid_grant", "it was shown once");
    }
    for (what, resource, form_resource) in
        [("the same", RESOURCE, RESOURCE), ("unsaid", RESOURCE, ""), ("the default", "", RESOURCE)]
    {
        let code = world.code("alice", &[("resource", resource)]).await;
        let mut form = redemption(&code).to_vec();
        form.push(("resource", form_resource));
        let answer = world.token(&form).await;
        assert_eq!(
            claims(answer.json()["access_token"].as_str().unwrap())["aud"],
            RESOURCE,
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_code_for_two_resources_can_be_used_for_one() {
    let world = World::new();
    let code = world.code("alice", &[("resource", RESOURCE), ("resource", ISSUER)]).await;
    let tokens = world.exchange(&code).await.json();
    let both = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(both["aud"], serde_json::json!([RESOURCE, ISSUER]));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "mcp-test-client"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("resource", ISSUER),
    ];
    let one = world.token(&form).await.json();
    assert_eq!(claims(one["access_token"].as_str().unwrap())["aud"], ISSUER);
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let world = World::new();
    let code = world.code("alice", &[]).await;
    world.pass(59);
    assert_eq!(world.exchange(&code).await.status, StatusCode::OK);
    let code = world.code("alice", &[]).await;
    world.pass(60);
    refused(&world.exchange(&code).await, "invalid_grant", "expired");
}

#[tokio::test]
async fn a_code_that_comes_twice_takes_back_what_it_gave() {
    let world = World::new();
    let code = world.code("alice", &[]).await;
    let first = world.exchange(&code).await.json();
    let other = world.exchange(&world.code("alice", &[]).await).await.json();
    assert_eq!(world.is_let_in(&first).await, Ok(()));
    refused(&world.exchange(&code).await, "invalid_grant", "replay");
    assert_eq!(world.is_let_in(&first).await, Err(TokenError::Revoked), "even if remembered");
    assert_eq!(world.is_let_in(&other).await, Ok(()), "other decisions stand");
    // The code outlives the access token that it gave, because the refresh token does.
    let late = world.code("alice", &[]).await;
    let tokens = world.exchange(&late).await.json();
    world.pass(13 * 24 * 3600);
    refused(&world.exchange(&late).await, "invalid_grant", "replay, days later");
    refused(
        &world.refresh(tokens["refresh_token"].as_str().unwrap()).await,
        "invalid_grant",
        "taken back, days later",
    );
    refused(
        &world.refresh(first["refresh_token"].as_str().unwrap()).await,
        "invalid_grant",
        "taken back",
    );
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_replay_ends_the_family() {
    let world = World::new();
    let code = world.code("alice", &[]).await;
    let first = world.exchange(&code).await.json();
    let second = world.refresh(first["refresh_token"].as_str().unwrap()).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_ne!(first["access_token"], second["access_token"]);
    assert_eq!(second["scope"], "mcp:read mcp:tools offline_access");
    let third = world.refresh(second["refresh_token"].as_str().unwrap()).await.json();
    refused(
        &world.refresh(first["refresh_token"].as_str().unwrap()).await,
        "invalid_grant",
        "replay",
    );
    for tokens in [&first, &second, &third] {
        assert_eq!(world.is_let_in(tokens).await, Err(TokenError::Revoked));
    }
    refused(
        &world.refresh(third["refresh_token"].as_str().unwrap()).await,
        "invalid_grant",
        "the family is over",
    );
}

#[tokio::test]
async fn a_refresh_can_ask_for_less_and_never_for_more() {
    let world = World::new();
    let tokens = world.exchange(&world.code("alice", &[]).await).await.json();
    let mut token = tokens["refresh_token"].as_str().unwrap().to_owned();
    for (name, value, expected) in [
        ("scope", "mcp:read", Ok("mcp:read")),
        ("scope", "mcp:read mcp:prompts", Err("invalid_scope")),
        ("resource", "https://evil.example/mcp", Err("invalid_target")),
        ("resource", ISSUER, Err("invalid_target")),
        ("scope", "mcp:read mcp:tools offline_access", Ok("mcp:read mcp:tools")),
        ("scope", "", Ok("mcp:read mcp:tools")),
    ] {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mcp-test-client"),
            ("refresh_token", &token),
            (name, value),
        ];
        let answer = world.token(&form).await;
        match expected {
            Ok(scope) => {
                let tokens = answer.json();
                assert_eq!(claims(tokens["access_token"].as_str().unwrap())["scope"], scope);
                token = tokens["refresh_token"].as_str().unwrap().to_owned();
            }
            Err(error) => refused(&answer, error, value),
        }
    }
    world.pass(14 * 24 * 3600);
    refused(&world.refresh(&token).await, "invalid_grant", "it slept too long");
}

#[tokio::test]
async fn malformed_requests_are_told_what_is_wrong() {
    let world = World::new();
    let code = "x";
    let good = redemption(code);
    let without = |name: &str| good.iter().copied().filter(|(n, _)| *n != name).collect::<Vec<_>>();
    let with = |name: &'static str, value: &'static str| {
        let mut form = without(name);
        form.push((name, value));
        form
    };
    for (what, form, error) in [
        ("nothing", vec![], "invalid_request"),
        ("no grant_type", without("grant_type"), "invalid_request"),
        ("password", with("grant_type", "password"), "unsupported_grant_type"),
        ("no client", without("client_id"), "invalid_request"),
        ("no code", without("code"), "invalid_request"),
        ("no verifier", without("code_verifier"), "invalid_request"),
        ("no refresh token", with("grant_type", "refresh_token"), "invalid_request"),
        ("twice", [without(""), vec![("code", "y")]].concat(), "invalid_request"),
        ("unknown client", with("client_id", "nobody"), "invalid_client"),
        ("a secret that it has not", with("client_secret", "x"), "invalid_client"),
        ("unknown code", good.to_vec(), "invalid_grant"),
    ] {
        refused(&world.token(&form).await, error, what);
    }
    let form = encode(&good);
    let json = world.post_json("/auth/token", "{}").await;
    refused(&json, "invalid_request", "JSON");
    let large = world.token(&[("grant_type", &"x".repeat(20_000)), ("code", &form)]).await;
    assert_eq!(
        (large.status, large.json()["error"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("invalid_request"))
    );
}

#[tokio::test]
async fn clients_with_a_secret_prove_it_in_either_way_and_guessing_gets_slow() {
    let world = World::new();
    let client = world
        .post_json("/auth/register", format!(r#"{{"redirect_uris":["{CALLBACK}"]}}"#))
        .await
        .json();
    let (id, secret) =
        (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let basic = |secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let code = || async { world.code("alice", &[("client_id", id), ("scope", "mcp:read")]).await };

    let code_1 = code().await;
    let form =
        |code| [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
    let answer = world.token_with(&[("authorization", &basic(secret))], &form(&code_1)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let code_2 = code().await;
    let posted = [&form(&code_2)[..], &[("client_id", id), ("client_secret", secret)]].concat();
    assert_eq!(world.token(&posted).await.status, StatusCode::OK);

    refused(
        &world.token(&[&form("x")[..], &[("client_id", id)]].concat()).await,
        "invalid_client",
        "no secret",
    );
    let both = world.token_with(&[("authorization", &basic(secret))], &posted).await;
    refused(&both, "invalid_request", "two ways at once");
    let other = world
        .token_with(
            &[("authorization", &basic(secret))],
            &[&form("x")[..], &[("client_id", "mcp-test-client")]].concat(),
        )
        .await;
    refused(&other, "invalid_request", "two clients at once");

    for _ in 0..5 {
        let answer = world.token_with(&[("authorization", &basic("wrong"))], &form("x")).await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (StatusCode::UNAUTHORIZED, Some("invalid_client"))
        );
        assert!(answer.header("www-authenticate").starts_with("Basic "));
    }
    let answer = world.token_with(&[("authorization", &basic(secret))], &form("x")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert_eq!(answer.json()["error"], "temporarily_unavailable", "it is known, and must wait");
    world.pass(1);
    refused(
        &world.token_with(&[("authorization", &basic(secret))], &form("x")).await,
        "invalid_grant",
        "the door is open again",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_redeem_a_code_at_once_nobody_keeps_a_token() {
    let world = World::new();
    let code = world.code("alice", &[]).await;
    let attempts = (0..16).map(|_| {
        let (world, code) = (world.clone(), code.clone());
        tokio::spawn(async move { world.exchange(&code).await })
    });
    let attempts: Vec<_> = attempts.collect();
    let mut given = Vec::new();
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        if answer.status == StatusCode::OK {
            given.push(answer.json());
        }
    }
    assert!(given.len() <= 1, "{given:?}");
    for tokens in &given {
        assert_eq!(world.is_let_in(tokens).await, Err(TokenError::Revoked));
        let refresh = tokens["refresh_token"].as_str().unwrap();
        refused(&world.refresh(refresh).await, "invalid_grant", "taken back");
    }
}
