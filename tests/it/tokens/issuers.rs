//! Settings of a trusted issuer: audiences on a shared host, leeway, the type of the header, rules of a deployment.

use std::time::Duration;

use mcp_auth::auth::{
    metadata::ProtectedResource,
    verify::{TokenError, TokenVerifier, TrustedIssuer},
};
use serde_json::{Value, json};

use super::{
    OURS, UNTRUSTED, set,
    support::{self, Server, now},
    with,
};

fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &support::key_pair().jwks())
}

/// The message for the client; `Ok` for a valid token.
async fn verify(issuer: TrustedIssuer, token: &str) -> Result<(), &'static str> {
    let result = TokenVerifier::new().trust(issuer).verify(token).await;
    result.map(|_| ()).map_err(|error| error.public_message())
}

/// RFC 8707, 2: the audience is one resource, not all that share its host.
#[tokio::test]
async fn a_token_for_another_team_on_the_host_is_rejected() {
    let resource = ProtectedResource::new("https://mcp.example.com/team-a/mcp");
    let issuer =
        TrustedIssuer::new("mcp-simple-auth", resource.audiences(), &support::key_pair().jwks());
    for (audience, expected) in [
        ("https://mcp.example.com/team-a/mcp", Ok(())),
        ("https://mcp.example.com/team-b/mcp", Err("Invalid token audience")),
        ("https://mcp.example.com/team-a", Err("Invalid token audience")),
        ("https://mcp.example.com/mcp", Err("Invalid token audience")),
        ("https://mcp.example.com", Err("Invalid token audience")),
    ] {
        let token = OURS.token(&set("aud", json!(audience)));
        assert_eq!(verify(issuer.clone(), &token).await, expected, "{audience}");
    }
}

#[tokio::test]
async fn the_leeway_applies_to_both_times_and_is_a_setting() {
    let at = |claim: &str, seconds: i64| {
        OURS.token(&set(claim, json!(now().checked_add_signed(seconds).expect("a time"))))
    };
    let (expired, early) = (Err("Token has expired"), Err("Token is not yet valid"));
    // RFC 7519, 4.1.4 and 4.1.5: "usually no more than a few minutes". Two seconds are left for a slow test.
    for (leeway, claim, seconds, expected) in [
        (10, "exp", -7, Ok(())),
        (10, "exp", -11, expired),
        (0, "exp", -1, expired),
        (10, "nbf", 9, Ok(())),
        (10, "nbf", 15, early),
        (0, "nbf", 4, early),
    ] {
        let issuer = issuer().leeway(Duration::from_secs(leeway));
        let result = verify(issuer, &at(claim, seconds)).await;
        assert_eq!(result, expected, "{claim} {seconds} with a leeway of {leeway} s");
    }
}

/// RFC 9068, 4: with a provider that writes it, `typ` tells access tokens from all others.
#[tokio::test]
async fn the_header_type_of_rfc_9068_can_be_required() {
    for (header, required, expected) in [
        (r#"{"alg":"RS256","typ":"at+jwt"}"#, true, Ok(())),
        (r#"{"alg":"RS256","typ":"application/at+jwt"}"#, true, Ok(())),
        (r#"{"alg":"RS256","typ":"AT+JWT"}"#, true, Ok(())),
        (r#"{"alg":"RS256","typ":"JWT"}"#, true, Err("Invalid token")),
        (r#"{"alg":"RS256"}"#, true, Err("Invalid token")),
        (r#"{"alg":"RS256","typ":"JWT"}"#, false, Ok(())),
    ] {
        let token = OURS.rs256(header, &with(|_| {}));
        let result = verify(issuer().require_at_jwt(required), &token).await;
        assert_eq!(result, expected, "{header}, required: {required}");
    }
}

#[tokio::test]
async fn clients_claims_and_age_can_be_restricted() {
    let restricted = || {
        issuer()
            .allowed_clients(["my-app"])
            .require_claim("email_verified", true)
            .max_token_age(Duration::from_secs(600))
    };
    let token = |change: &dyn Fn(&mut Value)| {
        OURS.token(&with(|claims| {
            claims["azp"] = json!("my-app");
            claims["email_verified"] = json!(true);
            change(claims);
        }))
    };
    assert_eq!(verify(restricted(), &token(&|_| {})).await, Ok(()));
    let other_client = token(&|claims| claims["azp"] = json!("another-app"));
    let not_allowed = Err("Token was issued to a client that is not allowed here");
    assert_eq!(verify(restricted(), &other_client).await, not_allowed);
    let no_client = token(&|claims| _ = claims.as_object_mut().unwrap().remove("azp"));
    assert_eq!(verify(restricted(), &no_client).await, not_allowed);
    let unverified = token(&|claims| claims["email_verified"] = json!(false));
    assert_eq!(verify(restricted(), &unverified).await, Err("Invalid token"));
    let old = token(&|claims| claims["iat"] = json!(now() - 601));
    assert_eq!(verify(restricted(), &old).await, Err("Token has expired"));
}

#[tokio::test]
async fn a_cached_token_does_not_outlive_the_rule_on_its_age() {
    let issuer = issuer().max_token_age(Duration::from_secs(600));
    let verifier = TokenVerifier::new().trust(issuer);
    let token = OURS.token(&set("iat", json!(now() - 598)));
    assert!(verifier.verify(&token).await.is_ok());
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(verifier.verify(&token).await.unwrap_err(), TokenError::TooOld);
}

/// A step that was started in another folder generates another key pair there.
#[tokio::test]
async fn the_log_explains_a_token_of_another_key_pair() {
    let server = Server::start("step6");
    let token = UNTRUSTED.1.token(&with(|_| {}));
    assert_eq!(server.rpc(&token, "ping", json!({})).await.status, 401);
    server.wait_for_log("no key of mcp-simple-auth made it");
    let folder = server.keys.path().canonicalize().expect("a path");
    let log = server.log();
    assert!(log.contains("--keys-dir") && log.contains(folder.to_str().expect("text")), "{log}");
}
