//! Grants without a user, client authentication, and DPoP-bound tokens.

use std::{fs, sync::Mutex};

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::{Value, json};

use super::{
    mock::{ACCESS, Facts, Hit, Mock, ok},
    run::{Home, assertion, finish, headless, pinned},
};

/// A file with a secret, as a flag takes it.
pub(super) fn secret(home: &Home, name: &str, text: &str) -> String {
    let path = home.0.path().join(name);
    fs::write(&path, format!("{text}\n")).unwrap();
    format!("@{}", path.display())
}

/// An authorization server that supports just this at its token endpoint.
async fn supporting(method: &'static str) -> Mock {
    Mock::start(move |hit: &Hit, facts: &Facts| {
        (hit.path == "/.well-known/oauth-authorization-server").then(|| {
            let mut metadata = facts.metadata();
            metadata["token_endpoint_auth_methods_supported"] = json!([method]);
            ok(metadata)
        })
    })
    .await
}

fn part(jwt: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(index).unwrap()).unwrap())
        .unwrap()
}

#[tokio::test]
async fn a_client_secret_is_sent_as_the_server_supports_it() {
    let home = Home::new();
    let file = secret(&home, "secret", "s e:c+ret");
    let flags = ["--grant", "client_credentials", "--client-id", "me", "--client-secret", &file];
    let mock = supporting("client_secret_basic").await;
    pinned(&mock, &flags).await.succeeded();
    let hit = &mock.hits("/token")[0];
    assert_eq!(hit.authorization, "Basic bWU6cytlJTNBYyUyQnJldA==", "form-encoded first");
    assert_eq!(hit.form["grant_type"], "client_credentials");
    assert_eq!((&*hit.form["resource"], &*hit.form["scope"]), (&*mock.mcp(), "a"));
    assert!(!hit.form.contains_key("client_secret"));

    let mock = supporting("client_secret_post").await;
    pinned(&mock, &flags).await.succeeded();
    let hit = &mock.hits("/token")[0];
    assert_eq!(
        (&*hit.form["client_id"], &*hit.form["client_secret"], &*hit.authorization),
        ("me", "s e:c+ret", "")
    );
    assert_eq!(mock.count("/authorize") + mock.count("/register"), 0);
}

#[tokio::test]
async fn a_registered_client_without_a_secret_is_public_also_where_none_is_not_advertised() {
    let mock = supporting("client_secret_basic").await;
    headless(&mock, &["--client-id", "me"]).await.succeeded();
    let hit = &mock.hits("/token")[0];
    assert_eq!((&*hit.form["client_id"], &*hit.authorization), ("me", ""));
    assert_eq!(mock.count("/register"), 0);
}

#[tokio::test]
async fn a_secret_may_come_from_the_environment() {
    let (home, mock) = (Home::new(), supporting("client_secret_post").await);
    let mut program =
        home.program(["--headless", "--grant", "client_credentials", "--client-id", "me"]);
    program.args(["--issuer", &mock.facts.url]);
    program.env("MCP_CLIENT_SECRET", "from-the-environment").arg(mock.mcp());
    let run = finish(program.spawn().unwrap()).await;
    run.succeeded();
    assert_eq!(mock.hits("/token")[0].form["client_secret"], "from-the-environment");
    assert!(!run.progress.contains("from-the-environment"));
}

#[tokio::test]
async fn a_client_with_a_key_signs_an_assertion_for_this_issuer() {
    let home = Home::new();
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let key = secret(&home, "key.pem", &pem);
    let mock = supporting("private_key_jwt").await;
    let flags = [
        "--grant",
        "client_credentials",
        "--client-id",
        "me",
        "--private-key",
        &key,
        "--key-id",
        "k1",
    ];
    pinned(&mock, &flags).await.succeeded();
    let assertion = &mock.hits("/token")[0].form["client_assertion"];
    let (header, claims) = (part(assertion, 0), part(assertion, 1));
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("k1")));
    assert_eq!([&claims["iss"], &claims["sub"], &claims["aud"]], ["me", "me", &*mock.facts.url]);
    assert!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap() <= 300);
    // A key of the wrong kind is a clear word, not a crash.
    let flags = [&flags[..], &["--signing-alg", "RS256"]].concat();
    pinned(&mock, &flags).await.failed("the key cannot sign");
}

#[tokio::test]
async fn an_assertion_is_sent_once_to_its_audience() {
    let mock = Mock::honest().await;
    for audience in [mock.facts.url.clone(), format!("{}/token", mock.facts.url)] {
        let (home, jwt) = (Home::new(), assertion(audience));
        let file = secret(&home, "jwt", &jwt);
        let flags = ["--grant", "jwt-bearer", "--assertion", &file, "--client-id", "me"];
        pinned(&mock, &flags).await.succeeded();
        let form = mock.hits("/token").pop().unwrap().form;
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        assert_eq!((&*form["assertion"], &*form["client_id"]), (&*jwt, "me"));
    }
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        (hit.path == "/token").then(|| {
            (StatusCode::BAD_REQUEST, ok(json!({"error": "invalid_grant"}))).into_response()
        })
    })
    .await;
    let (home, jwt) = (Home::new(), assertion(mock.facts.url.clone()));
    let file = secret(&home, "jwt", &jwt);
    let flags = ["--grant", "jwt-bearer", "--assertion", &file];
    pinned(&mock, &flags).await.failed("the token endpoint returned an error: invalid_grant");
    assert_eq!(mock.count("/token"), 1);
}

#[tokio::test]
async fn an_id_token_is_exchanged_for_one_authorization_server_and_one_resource() {
    let home = Home::new();
    let (id_token, client_secret) =
        (secret(&home, "id", "id.token.of-alice"), secret(&home, "secret", "as-secret"));
    let exchanged = |kind: &'static str| {
        Mock::start(move |hit: &Hit, facts: &Facts| {
            let id_jag = assertion(facts.url.clone());
            let issued = json!({"access_token": id_jag, "issued_token_type": kind, "token_type": "N_A", "expires_in": 60});
            (hit.path == "/idp").then(|| ok(issued))
        })
    };
    let mock = exchanged("urn:ietf:params:oauth:token-type:id-jag").await;
    let idp = format!("{}/idp", mock.facts.url);
    let flags = |idp: &str| {
        [
            "--grant",
            "jwt-bearer",
            "--idp-token-endpoint",
            idp,
            "--idp-client-id",
            "at-idp",
            "--id-token",
            &id_token,
            "--client-id",
            "at-as",
            "--client-secret",
            &client_secret,
        ]
        .map(str::to_owned)
    };
    let all = flags(&idp);
    pinned(&mock, &all.each_ref().map(String::as_str)).await.succeeded();
    let asked = &mock.hits("/idp")[0].form;
    assert_eq!((&*asked["audience"], &*asked["resource"]), (&*mock.facts.url, &*mock.mcp()));
    assert_eq!((&*asked["subject_token"], &*asked["client_id"]), ("id.token.of-alice", "at-idp"));
    assert!(
        !asked.contains_key("client_secret"),
        "the secret of one server is not shown to another"
    );
    assert_eq!(mock.hits("/token")[0].form["assertion"], assertion(mock.facts.url.clone()));

    let mock = exchanged("urn:ietf:params:oauth:token-type:access_token").await;
    let all = flags(&format!("{}/idp", mock.facts.url));
    pinned(&mock, &all.each_ref().map(String::as_str)).await.failed("the identity provider issued");
    assert_eq!(mock.count("/token"), 0);
}

#[tokio::test]
async fn a_token_is_dpop_bound_if_the_server_requires_it_and_nonces_are_used() {
    let seen = Mutex::new(Vec::<String>::new());
    let mock = Mock::start(move |hit: &Hit, facts: &Facts| {
        let proof = hit.headers.get("dpop").map(|v| v.to_str().unwrap().to_owned());
        if let Some(proof) = &proof {
            let claims = part(proof, 1);
            let jti = claims["jti"].as_str().unwrap().to_owned();
            assert!(!seen.lock().unwrap().contains(&jti), "a proof is used once");
            seen.lock().unwrap().push(jti);
            assert_eq!(
                (&claims["htm"], &claims["htu"]),
                (&json!(hit.method), &json!(format!("{}{}", facts.url, hit.path)))
            );
        }
        let nonce = proof.as_ref().map(|proof| part(proof, 1)["nonce"].clone());
        match hit.path.as_str() {
            "/token" if nonce != Some(json!("n-token")) => {
                let answer = (StatusCode::BAD_REQUEST, ok(json!({"error": "use_dpop_nonce"})));
                Some(([("dpop-nonce", "n-token")], answer).into_response())
            }
            "/token" => {
                let mut tokens = facts.tokens(3600);
                tokens["token_type"] = json!("DPoP");
                Some(ok(tokens))
            }
            "/mcp" if !hit.authorization.starts_with(&format!("DPoP {ACCESS}")) => {
                let challenge = facts.challenge().replace("Bearer", "DPoP");
                Some(
                    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)])
                        .into_response(),
                )
            }
            "/mcp" if nonce != Some(json!("n-mcp")) => {
                let headers = [
                    ("www-authenticate", r#"DPoP error="use_dpop_nonce""#),
                    ("dpop-nonce", "n-mcp"),
                ];
                Some((StatusCode::UNAUTHORIZED, headers).into_response())
            }
            "/mcp" => Some(super::mock::mcp(hit)),
            _ => None,
        }
    })
    .await;
    let home = Home::new();
    home.run(&mock, &["--call", "t={}"]).await.succeeded();
    assert_eq!((mock.count("/authorize"), mock.count("/token")), (1, 2));
    // The code is bound to the same key (RFC 9449, 10).
    let proof = mock.hits("/token")[0].headers["dpop"].to_str().unwrap().to_owned();
    let jwk: Jwk = serde_json::from_value(part(&proof, 0)["jwk"].clone()).unwrap();
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
    assert_eq!(mock.hits("/authorize")[0].query["dpop_jkt"], thumbprint);
    // The key is kept with the token: the next run can prove possession, too.
    home.run(&mock, &["--call", "t={}"]).await.succeeded();
    assert_eq!(mock.count("/authorize"), 1);
}

#[tokio::test]
async fn a_client_metadata_document_is_preferred_to_registration_where_it_is_supported() {
    let mock = Mock::start(|hit: &Hit, facts: &Facts| {
        (hit.path == "/.well-known/oauth-authorization-server").then(|| {
            let mut metadata = facts.metadata();
            metadata["client_id_metadata_document_supported"] = json!(true);
            ok(metadata)
        })
    })
    .await;
    let url = "https://app.example.com/client.json";
    headless(&mock, &["--client-metadata-url", url]).await.succeeded();
    assert_eq!(
        (mock.count("/register"), &*mock.hits("/authorize")[0].query["client_id"]),
        (0, url)
    );
    assert_eq!(mock.hits("/token")[0].form["client_id"], url);
    headless(&mock, &["--client-metadata-url", "http://app.example.com/client.json"])
        .await
        .failed("https URL with a path");

    let mock = Mock::honest().await;
    headless(&mock, &["--client-metadata-url", url]).await.succeeded();
    assert_eq!(mock.count("/register"), 1, "not understood there");
    let registered = &mock.hits("/register")[0].json;
    assert_eq!(registered["application_type"], "native");
    assert_eq!(registered["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(registered["scope"], "a b", "those of later requests, too");
}
