//! Machine clients (RFC 6749, 4.4) at the development authorization server: step 11 against step 9.

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
