//! Step 10 calls another API as the user, by token exchange (RFC 8693).

mod answers;
mod api;
mod delegation;
mod provider;

use jsonwebtoken::Algorithm;
use mcp_auth::test_support::{Provider, Reply, SigningKey};
use serde_json::{Value, json};

use self::api::OrdersApi;
use super::support::{Answer, Server, note};

const TOKEN_ENDPOINT: &str = "/realms/test/token";
const SECRET: &str = "the secret of the exchange client";

/// A provider, an API that trusts it, and step 10 between them.
struct Scene {
    key: SigningKey,
    provider: Provider,
    api: OrdersApi,
    server: Server,
    /// What the provider gives for any token: for the API only, with its scope only, for the same user.
    exchanged_token: String,
}

impl Scene {
    async fn new() -> Self {
        Self::with_api(None).await
    }

    /// The same with an API that answers this way, instead of the one that verifies tokens.
    async fn with_api(reply: Option<Reply>) -> Self {
        let key = SigningKey::new(Algorithm::ES256, "key-1");
        let provider = Provider::start(&[&key]).await;
        let api = OrdersApi::start(&provider.issuer()).await;
        let url = match reply {
            Some(reply) => {
                provider.set("/orders", reply);
                format!("{}/orders", provider.origin)
            }
            None => api.url.clone(),
        };
        note(SECRET);
        let server = Server::start_with("step10", flags(&provider.issuer(), &url));
        let mut claims = provider.claims("downstream:read");
        claims["aud"] = "downstream-api".into();
        claims["azp"] = "http://localhost:9000/mcp".into();
        let exchanged_token = key.sign(&claims);
        note(&exchanged_token);
        let scene = Self { key, provider, api, server, exchanged_token };
        scene.provider.set(TOKEN_ENDPOINT, Reply::Json(scene.response()));
        scene
    }

    /// The token of a user for step 10.
    fn user_token(&self, scope: &str) -> String {
        let token = self.key.sign(&self.provider.claims(scope));
        note(&token);
        token
    }

    /// The provider's response to an exchange.
    fn response(&self) -> Value {
        json!({
            "access_token": self.exchanged_token, "token_type": "Bearer", "expires_in": 60,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "scope": "downstream:read",
        })
    }

    async fn list_orders(&self, token: &str) -> Answer {
        let params = json!({"name": "list_orders", "arguments": {}});
        self.server.rpc(token, "tools/call", params).await
    }
}

fn flags(issuer: &str, url: &str) -> Vec<String> {
    [
        ("--issuer", issuer),
        ("--downstream-url", url),
        ("--downstream-audience", "downstream-api"),
        ("--downstream-scope", "downstream:read"),
        ("--exchange-client-id", "http://localhost:9000/mcp"),
        ("--exchange-client-secret", SECRET),
    ]
    .map(|(flag, value)| format!("{flag}={value}"))
    .to_vec()
}

/// The text of a result that is an error.
#[track_caller]
fn tool_error(answer: &Answer) -> String {
    let result = answer.result();
    assert_eq!(result["isError"], true, "{answer:?}");
    result["content"][0]["text"].as_str().expect("a text").to_owned()
}
