//! Which clients of a provider may call: a setting of each provider.

use std::fs;

use jsonwebtoken::Algorithm::RS256;
use mcp_auth::test_support::{Provider, Reply, SigningKey};
use serde_json::{Value, json};

use crate::support::{Server, now};

/// Claims of a token for this client, if it says so.
fn claims(provider: &Provider, client: Value) -> Value {
    let mut claims = provider.claims("mcp:tools");
    claims.as_object_mut().unwrap().remove("azp");
    claims.as_object_mut().unwrap().extend(client.as_object().cloned().unwrap());
    claims
}

/// RFC 6750, 3.1: the token is "invalid for other reasons". `insufficient_scope` would send the client to get more scopes.
#[tokio::test]
async fn a_token_of_another_client_is_rejected_and_the_log_names_the_client() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::start(&[&key]).await;
    let issuer = provider.issuer();
    let server =
        Server::start_with("step10", ["--issuer", &issuer, "--allowed-clients", "my-app,-0oa1"]);
    for (client, logged) in [
        (json!({"azp": "my-app"}), None),
        (json!({"client_id": "my-app"}), None),
        (json!({"cid": "-0oa1"}), None),
        (json!({"azp": "another-app"}), Some("client another-app is not allowed")),
        (json!({"azp": "my-app", "client_id": "third"}), Some("client third is not allowed")),
        (json!({"azp": "My-App"}), Some("client My-App is not allowed")),
        (json!({}), Some("client without an id is not allowed")),
    ] {
        let token = key.sign(&claims(&provider, client.clone()));
        let answer = server.rpc(&token, "tools/list", json!({})).await;
        let Some(logged) = logged else {
            assert_eq!(answer.status, 200, "{client}: {answer:?}");
            continue;
        };
        assert_eq!(answer.status, 401, "{client}");
        assert_eq!(answer.detail(), "Token was issued to a client that is not allowed here");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
        server.wait_for_log(logged);
    }
}

#[tokio::test]
async fn an_introspected_token_names_its_client_too() {
    let provider = Provider::start(&[]).await;
    let server = Server::start_with(
        "step10",
        [
            "--issuer",
            &provider.issuer(),
            "--introspection-client-id=me",
            "--introspection-client-secret=hush",
            "--allowed-clients=my-app",
        ],
    );
    for (token, client, status) in
        [("a", json!("my-app"), 200), ("b", json!("another-app"), 401), ("c", Value::Null, 401)]
    {
        let response = json!({
            "active": true, "client_id": client, "aud": "echo-mcp-server", "exp": now() + 300, "scope": "mcp:tools",
        });
        provider.set("/realms/test/introspect", Reply::Json(response));
        assert_eq!(server.rpc(token, "tools/list", json!({})).await.status, status, "{client}");
    }
}

#[tokio::test]
async fn each_provider_has_clients_of_its_own() {
    let (key, other_key) = (SigningKey::new(RS256, "a"), SigningKey::other("b"));
    let (provider, other) = (Provider::start(&[&key]).await, Provider::start(&[&other_key]).await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.env");
    fs::write(&path, format!("JWT_ISSUER={}\nOAUTH_ALLOWED_CLIENTS=my-app\n", other.issuer()))
        .unwrap();
    let (issuer, path) = (provider.issuer(), path.to_str().unwrap().to_owned());
    let server = Server::start_with("step10", ["--issuer", &issuer, "--provider-file", &path]);
    for (token, status) in [
        (key.sign(&claims(&provider, json!({"azp": "another-app"}))), 200),
        (other_key.sign(&claims(&other, json!({"azp": "another-app"}))), 401),
        (other_key.sign(&claims(&other, json!({"azp": "my-app"}))), 200),
    ] {
        assert_eq!(server.rpc(&token, "tools/list", json!({})).await.status, status);
    }
}
