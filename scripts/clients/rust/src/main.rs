//! The official Rust client (rmcp 3.11), from a URL to a tool's answer: 401, discovery, registration, login, a token,
//! then everything that the server offers, used once.
//!
//! ```sh
//! BROWSER=scripts/login_bot.sh rust-client http://localhost:9000/mcp   # it logs in when the server wants that
//! TOKEN=... rust-client http://localhost:9000/mcp                   # it has a token already
//! ```
//!
//! `ERA` is what the SDK offers: `legacy` (the handshake, up to 2025-11-25), `modern` (`server/discover`, 2026-07-28),
//! or `auto`, which asks for the newer one first. Prints what it got, one line each. Exit status: 0 everything was
//! answered, 3 it was refused, 1 anything else.

mod browser;
mod exercise;

use std::{env, error::Error, process::ExitCode, sync::Arc};

use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceError,
    model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion},
    service::{ClientInitializeError, RunningService},
    transport::{
        AuthClient, AuthorizationManager, StreamableHttpClientTransport,
        auth::{AuthorizationCallback, AuthorizationRequest, OAuthState, WWWAuthenticateParams},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use tokio::sync::Mutex;

use browser::Browser;

type Connection = RunningService<RoleClient, ClientConfig>;

/// A connection, with the manager of its tokens when the client logged in by itself.
struct Session {
    url: reqwest::Url,
    client: Connection,
    login: Option<Arc<Mutex<AuthorizationManager>>>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut browser = Browser::new().await.expect("a free port of this machine");
    let status = match run(&mut browser).await {
        Ok(()) => 0,
        Err(error) => {
            let words = reason(error.as_ref());
            println!("refused {}", words.chars().take(300).collect::<String>().replace('\n', " "));
            if ["insufficient_scope", "access_denied"].iter().any(|word| words.contains(word)) {
                3
            } else {
                1
            }
        }
    };
    println!("authorizations {}", browser.opened);
    ExitCode::from(status)
}

async fn run(browser: &mut Browser) -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or("http://localhost:9000/mcp".into());
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
    let token = env::var("TOKEN").ok().filter(|token| !token.is_empty());
    if let Some(token) = &token {
        config = config.auth_header(token);
    }
    let (client, login) =
        match connected(StreamableHttpClientTransport::from_config(config.clone())).await {
            Ok(client) => (client, None),
            // The 401 is where everything begins: its challenge says where to find the way.
            Err(error) if token.is_none() && error.is_authorization_required() => {
                let manager = logged_in(&url, error.auth_challenge(), browser).await?;
                let http = AuthClient::new(reqwest::Client::new(), manager);
                let login = http.auth_manager.clone();
                let transport = StreamableHttpClientTransport::with_client(http, config);
                (connected(transport).await?, Some(login))
            }
            Err(error) => return Err(error.into()),
        };
    if let Some(login) = &login {
        println!("scope {}", login.lock().await.get_current_scopes().await.join(" "));
    }
    exercise::run(&Session { url: url.parse()?, client, login }, browser).await
}

/// Negotiates the protocol as `ERA` says.
async fn connected<T>(transport: T) -> Result<Connection, ClientInitializeError>
where
    T: rmcp::transport::Transport<RoleClient> + 'static,
{
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let lifecycle = match env::var("ERA").as_deref() {
        Ok("legacy") => ClientLifecycleMode::Initialize,
        Ok("modern") => ClientLifecycleMode::Discover { preferred_versions },
        _ => ClientLifecycleMode::Auto { preferred_versions, legacy_version: None },
    };
    // By default the SDK asks for 2026-07-28 in the handshake too, which that revision no longer has.
    ClientConfig::new(ClientCapabilities::default(), Implementation::new("rust-client", "1.0.0"))
        .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
        .serve_with_lifecycle(transport, lifecycle)
        .await
}

/// Discovery, registration (RFC 7591), login, and the exchange of the code (PKCE): all by the SDK.
async fn logged_in(
    url: &str,
    challenge: Option<&str>,
    browser: &mut Browser,
) -> Result<AuthorizationManager, Box<dyn Error>> {
    let mut request = AuthorizationRequest::new(&browser.redirect_uri)
        .with_client_name("Rust client")
        .with_initial_scope_selection();
    if let Some(challenge) = challenge {
        request = request.with_challenge(challenge);
    }
    let mut state = OAuthState::new(url, None).await?;
    state.start_authorization(request).await?;
    let back = browser.visit(&state.get_authorization_url().await?).await?;
    state.handle_callback_url(&back).await?;
    Ok(state.into_authorization_manager().ok_or("the login ended without a token")?)
}

impl Session {
    /// 403 `insufficient_scope`: the browser opens once more, for the missing scope as well.
    async fn step_up(
        &self,
        error: ServiceError,
        browser: &mut Browser,
    ) -> Result<(), Box<dyn Error>> {
        let challenge =
            error.auth_challenge().map(|text| WWWAuthenticateParams::parse(text, &self.url));
        let (Some(login), Some(scope)) =
            (&self.login, challenge.filter(|c| c.is_insufficient_scope()).and_then(|c| c.scope))
        else {
            return Err(error.into());
        };
        let manager = login.lock().await;
        let back = browser.visit(&manager.request_scope_upgrade(&scope).await?).await?;
        let back = AuthorizationCallback::from_redirect_url(&back)?;
        manager
            .exchange_code_for_token_with_issuer(
                &back.code,
                &back.csrf_token,
                back.issuer.as_deref(),
            )
            .await?;
        Ok(())
    }
}

/// The words of an error's last cause, which is the one that says why.
fn reason(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), reason)
}
