//! How the user gets to the authorization page and the response gets back: a browser and a callback server, an address
//! that the user pastes, or the HTTP client alone (`--headless`).
//!
//! Specs: RFC 8252 sections 6 (an external browser), 7.3 (loopback redirects on any port) and 8.3 (`127.0.0.1`
//! rather than `localhost`).

mod callback_server;
mod headless;

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use tokio::{net::TcpListener, sync::oneshot, time::timeout};
use url::{Host, Url};

use crate::client::{
    context::{client::Client, credentials::secret::Secret, error::ClientError, urls},
    oauth::{authorization::response::PendingAuthorization, step_up::AccessRequest},
};

/// Where the response will arrive. Known before registration, which includes the redirect URI.
#[derive(Debug)]
pub struct Browser {
    redirect_uri: String,
    callback: CallbackMode,
}

#[derive(Debug)]
enum CallbackMode {
    /// The code is read from the redirect.
    Headless,
    Listener(TcpListener),
    /// The redirect URI is not on this machine: the user pastes the response.
    Manual,
}

/// Nothing listens here.
const HEADLESS_REDIRECT_URI: &str = "http://127.0.0.1:33418/callback";
const LOGIN_TIMEOUT: Duration = Duration::from_secs(300);

/// Chooses the redirect URI and listens there.
///
/// # Errors
/// When `--redirect-uri` cannot be used, or this machine has no free port.
pub async fn prepare(client: &Client, access: &AccessRequest) -> Result<Browser, ClientError> {
    let registered = client.store.client(&access.server.issuer)?.map(|client| client.redirect_uri);
    let fixed = client.options.redirect_uri.clone();
    if client.options.headless {
        let redirect_uri = fixed.or(registered).unwrap_or_else(|| HEADLESS_REDIRECT_URI.to_owned());
        return Ok(Browser { redirect_uri, callback: CallbackMode::Headless });
    }
    if let Some(redirect_uri) = fixed {
        let url = urls::secure(&redirect_uri)?;
        if !urls::is_loopback(&url) {
            return Ok(Browser { redirect_uri, callback: CallbackMode::Manual });
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let listener = TcpListener::bind((loopback_address(&url), port)).await.map_err(|e| {
            ClientError::Usage(format!(
                "cannot listen on {redirect_uri}: {e}; choose another port with --redirect-uri"
            ))
        })?;
        return Ok(Browser { redirect_uri, callback: CallbackMode::Listener(listener) });
    }
    // The port of the last registration, so that it stays valid; another one if that is taken.
    let port = registered.and_then(|uri| Url::parse(&uri).ok()?.port()).unwrap_or(0);
    let listener = match bind(port).await {
        Err(_) if port != 0 => bind(0).await,
        bound => bound,
    };
    let no_port = |e: io::Error| ClientError::Usage(format!("cannot listen on 127.0.0.1: {e}"));
    let listener = listener.map_err(no_port)?;
    let port = listener.local_addr().map_err(no_port)?.port();
    Ok(Browser {
        redirect_uri: format!("http://127.0.0.1:{port}/callback"),
        callback: CallbackMode::Listener(listener),
    })
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// The loopback address that a redirect URI names (RFC 8252, 7.3).
fn loopback_address(url: &Url) -> IpAddr {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.into(),
        Some(Host::Ipv6(ip)) => ip.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

impl Browser {
    /// Where the response will arrive.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Takes the user to `url` and returns the code of the response.
    pub(crate) async fn visit(
        self,
        client: &Client,
        url: String,
        pending: &PendingAuthorization,
    ) -> Result<Secret, ClientError> {
        if let CallbackMode::Headless = self.callback {
            return headless::follow(client, url, pending).await;
        }
        client.reporter.address("log in at this address:", &url);
        if !client.options.no_browser {
            open(client, url).await;
        }
        let pasted = paste(client, pending);
        let redirected = async {
            match self.callback {
                CallbackMode::Listener(listener) => {
                    callback_server::wait(listener, pending, client.reporter).await
                }
                _ => std::future::pending().await,
            }
        };
        let response = async {
            tokio::select! {
                code = redirected => code,
                code = pasted => code,
            }
        };
        let timed_out = |_| ClientError::LoginTimeout { seconds: LOGIN_TIMEOUT.as_secs() };
        timeout(LOGIN_TIMEOUT, response).await.map_err(timed_out)?
    }
}

/// Opens the user's browser. On a thread of its own: a text browser keeps it until it is closed.
async fn open(client: &Client, url: String) {
    let (done, opened) = oneshot::channel();
    std::thread::spawn(move || done.send(webbrowser::open(&url).is_ok()));
    // Still busy means that it is open.
    if let Ok(Ok(false)) = timeout(Duration::from_secs(2), opened).await {
        client.reporter.warn("no browser could be opened: open the address yourself");
    }
}

/// Reads the address that the browser ends on, as in the posts; useful on machines without a browser.
async fn paste(client: &Client, pending: &PendingAuthorization) -> Result<Secret, ClientError> {
    client.reporter.note(
        "waiting for the response; if the browser cannot reach this machine, paste the address that it ends on:",
    );
    loop {
        let Some(line) = client.terminal.line().await else {
            return std::future::pending().await;
        };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        match pending.query_of(line).map(|query| pending.validate_response(query)) {
            None => client
                .reporter
                .warn(&format!("that is not the redirect URI {}", pending.redirect_uri())),
            Some(Err(error @ ClientError::StateMismatch)) => {
                client.reporter.warn(&error.to_string());
            }
            Some(outcome) => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callback_server_listens_where_the_redirect_uri_leads() {
        for (uri, expected) in [
            ("http://127.0.0.1:1/callback", "127.0.0.1"),
            ("http://127.0.0.2:1/callback", "127.0.0.2"),
            ("http://[::1]:1/callback", "::1"),
            ("http://localhost:1/callback", "127.0.0.1"),
        ] {
            assert_eq!(loopback_address(&Url::parse(uri).unwrap()).to_string(), expected, "{uri}");
        }
    }
}
