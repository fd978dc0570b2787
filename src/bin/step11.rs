//! Step 11: the client that finds its own way in.
//!
//! It knows one URL. From the first 401 it learns who issues tokens, becomes a client there, asks a person, and comes
//! back with a token; every stage is told on the way.
//!
//! Adds: discovery, registration, authorization with PKCE, the token, and a session that uses it.
//! Spec: MCP authorization 2026-07-28 and 2025-11-25; RFC 9728, 8414, 7591, 7636, 8707, 9207, 8252.
//! Try: `cargo run --bin step9` in one terminal, `cargo run --bin step11 -- http://localhost:9000/mcp` in another.

use std::{process::ExitCode, sync::Arc};

use mcp_auth::client::{
    check,
    cli::run::RunOutcome,
    context::{
        client::Client,
        error::{self, ClientError},
        options::{Grant, Options},
    },
    mcp::session::Session,
    oauth::{
        assertion, authorization, browser, discovery, registration,
        step_up::ScopeState,
        token,
        unauthorized::{AccessToken, AuthChallenge, Authorizer},
    },
};

#[tokio::main]
async fn main() -> ExitCode {
    let client = match Client::new(Options::from_command_line()).await {
        Ok(client) => Arc::new(client),
        Err(error) => {
            eprintln!("error: {}", error::chain(&error));
            return ExitCode::FAILURE;
        }
    };
    match run(client.clone()).await {
        Ok(RunOutcome::Done) => ExitCode::SUCCESS,
        Ok(RunOutcome::CallFailed) => ExitCode::from(4),
        Err(error) => {
            client.explain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(client: Arc<Client>) -> Result<RunOutcome, ClientError> {
    if client.options.forget {
        return client.forget().await.map(|()| RunOutcome::Done);
    }
    if client.options.check.is_some() {
        return check::run(&client).await;
    }
    let registration_path = WayIn { client: client.clone(), journal: ScopeState::default() };
    let mut session = Session::open(client, registration_path).await?;
    let ending = session.work().await;
    session.close().await;
    ending
}

/// Asked whenever the server refuses: at first without a token, later with too few scopes or an old token.
struct WayIn {
    client: Arc<Client>,
    journal: ScopeState,
}

impl Authorizer for WayIn {
    async fn authorize(&mut self, refusal: &AuthChallenge) -> Result<AccessToken, ClientError> {
        let client = &*self.client;

        // The challenge names the resource's metadata, which names the authorization server, which describes itself.
        let resource = discovery::protected_resource(client, refusal).await?;
        let server = discovery::authorization_server(client, &resource).await?;

        // What to ask for; an error if asking again would lead in circles.
        let access = self.journal.plan(client, refusal, &resource, server)?;

        // Nobody need be asked while there is a refresh token.
        if let Some(credential) = token::renew(client, &access, refusal).await? {
            return Ok(credential);
        }
        self.journal.ask(&access);
        match client.options.grant {
            Grant::AuthorizationCode => {
                let browser = browser::prepare(client, &access).await?;
                let app = registration::register(client, &access, browser.redirect_uri()).await?;
                let code = authorization::ask(client, &access, &app, browser).await?;
                token::redeem(client, &access, &app, code).await
            }
            Grant::ClientCredentials => token::client_credentials(client, &access).await,
            Grant::JwtBearer => assertion::jwt_bearer(client, &access).await,
        }
    }
}
