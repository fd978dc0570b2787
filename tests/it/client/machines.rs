//! Grants without a login at the development authorization server, step 11 against step 9: machine clients (RFC 6749,
//! 4.4) and assertions of an enterprise identity provider (RFC 7523).

use jsonwebtoken::{Algorithm, Header};
use mcp_auth::test_support::{Provider, Reply, SigningKey, now};
use serde_json::{Value, json};

use super::{
    grants::secret,
    run::{Home, finish},
};
use crate::support::Server;

/// Registers a machine client (RFC 7591).
async fn register(server: &Server, metadata: &Value) -> Value {
    let response = server
        .request("POST", "/auth/register")
        .header("content-type", "application/json")
        .body(metadata.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_machine_calls_step_9_with_a_secret_or_a_key() {
    let (server, home) = (Server::start("step9"), Home::new());
    let grant = json!(["client_credentials"]);
    let metadata = json!({"grant_types": grant});
    let with_secret = register(&server, &metadata).await;
    let file = secret(&home, "secret", with_secret["client_secret"].as_str().unwrap());

    let key = rcgen::KeyPair::generate().unwrap();
    let point = key.public_key_raw();
    let base64url = |bytes: &[u8]| {
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
    };
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "k1",
        "x": base64url(&point[1..33]), "y": base64url(&point[33..65])});
    let mut metadata = metadata;
    metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
    metadata["jwks"] = json!({"keys": [jwk]});
    let with_key = register(&server, &metadata).await;
    let pem = secret(&home, "key.pem", &key.serialize_pem());

    for (client, credentials) in [
        (&with_secret, &["--client-secret", &file][..]),
        (&with_key, &["--private-key", &pem, "--key-id", "k1"]),
        // Bound to a key of the client (RFC 9449).
        (&with_secret, &["--client-secret", &file, "--dpop"]),
    ] {
        let id = client["client_id"].as_str().unwrap();
        let url = format!("{}/mcp", server.url);
        let flags = ["--headless", "--grant", "client_credentials", "--client-id", id];
        let call = ["--issuer", &*server.url, "--call", "whoami", &url];
        let flags = flags.iter().chain(credentials).chain(&call);
        let run = finish(home.program(flags).spawn().unwrap()).await;
        run.succeeded();
        assert!(run.output.contains(id), "the caller is the client: {}", run.output);
    }
}

#[tokio::test]
async fn a_user_of_an_enterprise_provider_calls_step_9_without_a_login() {
    let key = SigningKey::new(Algorithm::ES256, "key-1");
    let provider = Provider::start(&[&key]).await;
    let server = Server::start_with("step9", ["--enterprise-issuer", &provider.issuer()]);
    let home = Home::new();
    let client =
        register(&server, &json!({"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]}))
            .await;
    let id = client["client_id"].as_str().unwrap();
    let secret_file = secret(&home, "secret", client["client_secret"].as_str().unwrap());
    let id_token = secret(&home, "id-token", "the.id-token.of-ada");
    let (token_endpoint, mcp) =
        (format!("{}/token", provider.origin), format!("{}/mcp", server.url));
    let run = async |jti: &str, resource: &str, more: &[&str]| {
        let header = Header { typ: Some("oauth-id-jag+jwt".to_owned()), ..key.header() };
        let claims = json!({
            "iss": provider.issuer(), "sub": "8f0c", "aud": server.url, "client_id": id, "jti": jti,
            "iat": now(), "exp": now() + 300, "resource": resource, "scope": "mcp:read mcp:tools",
            "email": "ada@corp.example",
        });
        provider.set(
            "/token",
            Reply::Json(json!({
                "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
                "access_token": key.sign_as(&header, &claims), "token_type": "N_A", "expires_in": 300,
            })),
        );
        let flags =
            ["--headless", "--grant", "jwt-bearer", "--idp-token-endpoint", &*token_endpoint];
        let own = ["--client-id", id, "--client-secret", &secret_file, "--id-token", &id_token];
        let call = ["--issuer", &*server.url, "--call", "whoami", &mcp];
        let flags = flags.iter().chain(&own).chain(more).chain(&call);
        finish(home.program(flags).spawn().unwrap()).await
    };
    let first = run("1", &mcp, &[]).await;
    first.succeeded();
    assert!(first.output.contains("ada@corp.example"), "{}", first.output);
    let (_, exchange) = provider.requests("/token").pop().unwrap();
    let exchange: std::collections::HashMap<_, _> =
        url::form_urlencoded::parse(exchange.as_bytes()).into_owned().collect();
    assert_eq!(exchange["requested_token_type"], "urn:ietf:params:oauth:token-type:id-jag");
    assert_eq!((&exchange["audience"], &exchange["resource"]), (&server.url, &mcp));
    assert_eq!(exchange["subject_token"], "the.id-token.of-ada");
    assert!(!exchange.contains_key("client_secret"), "it is the secret of another server");

    run("2", &mcp, &["--dpop"]).await.succeeded();
    run("1", &mcp, &[]).await.failed("the assertion was used before");
    run("3", "https://other.example/mcp", &[]).await.failed("invalid_target");
    for token in ["the.id-token.of-ada", client["client_secret"].as_str().unwrap()] {
        assert!(!server.log().contains(token));
    }
}
