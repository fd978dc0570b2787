//! Step 11: A client that needs nothing but the server's URL.
//!
//! From the first 401 it discovers the authorization server, registers, lets the user log in, exchanges the code for a token
//! and calls the server; every stage is reported.
//!
//! Adds: discovery, client registration, authorization code with PKCE, tokens, step-up, MCP calls.
//! Spec: MCP authorization 2026-07-28 and 2025-11-25; RFC 9728, 8414, 7591, 7636, 8707, 9207, 8252.
//! Try: `cargo run --bin step9` in one terminal, `cargo run --bin step11 -- http://localhost:9000/mcp` in another.

use std::{process::ExitCode, sync::Arc};

use mcp_auth::client::{
    check,
    cli::run::{self, RunOutcome},
    context::{
        client::{self, Client},
        credentials::AccessToken,
        error::ClientError,
        options::{Grant, Options},
    },
    mcp::session::Session,
    oauth::{
        assertion, authorization, browser, discovery, registration,
        step_up::ScopeState,
        token,
        unauthorized::{AuthChallenge, Authorizer},
    },
};

#[tokio::main]
async fn main() -> ExitCode {
    let client = match Client::new(Options::from_command_line()).await {
        Ok(client) => Arc::new(client),
        Err(error) => return client::report_error(&error),
    };
    match run(client.clone()).await {
        Ok(RunOutcome::Done) => ExitCode::SUCCESS,
        Ok(RunOutcome::CallFailed) => ExitCode::from(4),
        Err(error) => client.report_error(&error),
    }
}

async fn run(client: Arc<Client>) -> Result<RunOutcome, ClientError> {
    if client.options.logout {
        return client.logout().await.map(|()| RunOutcome::Done);
    }
    if client.options.check.is_some() {
        return check::run(&client).await.map(|()| RunOutcome::Done);
    }
    let authorizer = OAuthAuthorizer { client: client.clone(), scopes: ScopeState::default() };
    let mut session = Session::open(client, authorizer).await?;
    let outcome = run::run(&mut session).await;
    session.close().await;
    outcome
}

/// Gets an access token whenever the server requires one: first without any, later with more scopes or after expiry.
struct OAuthAuthorizer {
    client: Arc<Client>,
    scopes: ScopeState,
}

impl Authorizer for OAuthAuthorizer {
    async fn authorize(&mut self, challenge: &AuthChallenge) -> Result<AccessToken, ClientError> {
        let client = &*self.client;
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
            Grant::ClientCredentials => return token::client_credentials(client, &access).await,
            Grant::JwtBearer => return assertion::jwt_bearer(client, &access).await,
            Grant::AuthorizationCode => {}
        }
        loop {
            let browser = browser::prepare(client, &access).await?;
            let registered =
                registration::register(client, &access, browser.redirect_uri()).await?;
            let code = authorization::request_code(client, &access, &registered, browser).await?;
            match token::exchange_code(client, &access, &registered, code).await {
                // The authorization server has deleted the registration: register once more.
                Err(error)
                    if registration::discard_if_unknown(client, &access, &registered, &error)
                        .await? => {}
                outcome => return outcome,
            }
        }
    }
}
