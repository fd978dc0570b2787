//! Step 11: A client that needs nothing but the server's URL.
//!
//! From the first 401 it discovers the authorization server, registers, lets the user log in, exchanges the code for a token
//! and calls the server; every stage is reported.
//!
//! Adds: discovery, client registration, authorization code with PKCE, tokens, step-up, MCP calls.
//! Spec: MCP authorization 2026-07-28 and 2025-11-25; RFC 9728, 8414, 7591, 7636, 8707, 9207, 8252.
//! Try: `cargo run --bin step9` in one terminal, `cargo run --bin step11 -- http://localhost:9000/mcp` in another.

use std::process::ExitCode;

use mcp_auth::client::{
    cli,
    context::{client::Client, credentials::AccessToken, error::ClientError, options::Grant},
    oauth::{
        authorization::{self, browser},
        discovery, registration,
        step_up::ScopeState,
        token::{self, assertion},
        unauthorized::{AuthChallenge, Authorizer},
    },
};

/// Calls the MCP server as the command line asks for. Without a token the first request is answered with 401.
#[tokio::main]
async fn main() -> ExitCode {
    cli::run(OAuthAuthorizer::default()).await
}

/// Gets an access token whenever the server requires one: at first, then with more scopes or after expiry.
#[derive(Default)]
struct OAuthAuthorizer {
    scopes: ScopeState,
}

impl Authorizer for OAuthAuthorizer {
    async fn authorize(
        &mut self,
        client: &Client,
        challenge: &AuthChallenge,
    ) -> Result<AccessToken, ClientError> {
        // The challenge names the resource metadata, which names the authorization server, which has metadata of its own.
        let resource = discovery::protected_resource(client, challenge).await?;
        let server = discovery::authorization_server(client, &resource).await?;
        let access = self.scopes.next_request(client, challenge, &resource, server)?;

        // With a refresh token the user is not needed.
        if let Some(token) = token::refresh(client, &access, challenge).await? {
            return Ok(token);
        }
        self.scopes.record(client, &access)?;
        match client.options.grant {
            Grant::AuthorizationCode => {}
            Grant::ClientCredentials => return token::client_credentials(client, &access).await,
            Grant::JwtBearer => return assertion::jwt_bearer(client, &access).await,
        }
        loop {
            let browser = browser::prepare(client, &access).await?;
            let registered =
                registration::register(client, &access, browser.redirect_uri()).await?;
            let code = authorization::request_code(client, &access, &registered, browser).await?;
            let token = token::exchange_code(client, &access, &registered, code).await;
            // The registration of an earlier run may have been deleted: register once more.
            if !registration::discard_if_deleted(client, &access, &registered, &token).await? {
                return token;
            }
        }
    }
}
