//! How the person is reached: their browser and a listener, a pasted address, or nobody (`--headless`).
//!
//! Rules: RFC 8252 sections 6 (an external browser), 7.3 (loopback redirects on a port of the moment) and 8.3
//! (`127.0.0.1` rather than `localhost`).

mod callback_server;

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use reqwest::header::{LOCATION, SET_COOKIE};
use tokio::{net::TcpListener, sync::oneshot, time::timeout};
use url::{Host, Url};

use crate::client::{
    context::{client::Client, error::ClientError, http::Answer, secret::Secret, urls},
    oauth::{authorization::PendingAuthorization, step_up::AccessRequest},
};

/// Where the answer will arrive, settled before we register.
#[derive(Debug)]
pub struct Browser {
    redirect_uri: String,
    reach: CallbackMode,
}

#[derive(Debug)]
enum CallbackMode {
    Headless,
    Listener(TcpListener),
    /// The address is not of this machine: the person brings the answer.
    Manual,
}

/// Nothing listens here in headless runs: the answer is read from the redirect.
const HEADLESS_REDIRECT: &str = "http://127.0.0.1:33418/callback";
const PATIENCE: Duration = Duration::from_secs(300);
const MAX_REDIRECTS: usize = 10;

/// Settles where the answer will arrive.
///
/// # Errors
/// When `--redirect-uri` cannot be used, or this machine has no free port.
pub async fn prepare(client: &Client, access: &AccessRequest) -> Result<Browser, ClientError> {
    let before = client.store.app(&access.server.issuer)?.map(|app| app.redirect_uri);
    let fixed = client.options.redirect_uri.clone();
    if client.options.headless {
        let redirect_uri = fixed.or(before).unwrap_or_else(|| HEADLESS_REDIRECT.to_owned());
        return Ok(Browser { redirect_uri, reach: CallbackMode::Headless });
    }
    if let Some(redirect_uri) = fixed {
        let url = urls::secure(&redirect_uri)?;
        if !urls::is_loopback(&url) {
            return Ok(Browser { redirect_uri, reach: CallbackMode::Manual });
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let listener = TcpListener::bind((named(&url), port)).await.map_err(|e| {
            ClientError::Usage(format!(
                "{redirect_uri} is taken: {e}; choose another port with --redirect-uri"
            ))
        })?;
        return Ok(Browser { redirect_uri, reach: CallbackMode::Listener(listener) });
    }
    // The port of the last registration again, so that it stays good; another one when somebody else has it.
    let port = before.and_then(|uri| Url::parse(&uri).ok()?.port()).unwrap_or(0);
    let listener = match bind(port).await {
        Err(_) if port != 0 => bind(0).await,
        bound => bound,
    };
    let no_port = |e: io::Error| {
        ClientError::Usage(format!("no port of this machine can be listened on: {e}"))
    };
    let listener = listener.map_err(no_port)?;
    let port = listener.local_addr().map_err(no_port)?.port();
    Ok(Browser {
        redirect_uri: format!("http://127.0.0.1:{port}/callback"),
        reach: CallbackMode::Listener(listener),
    })
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// The loopback address that a redirect URI names; there are two families of them (RFC 8252, 7.3).
fn named(url: &Url) -> IpAddr {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.into(),
        Some(Host::Ipv6(ip)) => ip.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

impl Browser {
    /// Where the answer will arrive.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Takes the person to `url` and brings the code back.
    pub(crate) async fn visit(
        self,
        client: &Client,
        url: String,
        pending: PendingAuthorization,
    ) -> Result<Secret, ClientError> {
        if let CallbackMode::Headless = self.reach {
            return follow(client, url, &pending).await;
        }
        let report = &client.report;
        report.note(&format!("in a browser: {url}"));
        let opened = (!client.options.no_browser).then(|| open(url.clone()));
        let pending = Arc::new(pending);
        let pasted = paste(client, url, opened, pending.clone());
        let arrived = async {
            match self.reach {
                CallbackMode::Listener(listener) => {
                    callback_server::wait(listener, pending, report).await
                }
                _ => std::future::pending().await,
            }
        };
        let answer = async {
            tokio::select! {
                code = arrived => code,
                code = pasted => code,
            }
        };
        let nobody = |_| ClientError::LoginTimeout { seconds: PATIENCE.as_secs() };
        timeout(PATIENCE, answer).await.map_err(nobody)?
    }
}

/// Tells whether a browser could be opened. On a thread of its own: a text browser keeps it until it is closed.
fn open(url: String) -> oneshot::Receiver<bool> {
    let (done, opened) = oneshot::channel();
    std::thread::spawn(move || done.send(webbrowser::open(&url).is_ok()));
    opened
}

/// A pasted address, as the tutorial's posts have it; useful on machines without a browser.
async fn paste(
    client: &Client,
    url: String,
    opened: Option<oneshot::Receiver<bool>>,
    pending: Arc<PendingAuthorization>,
) -> Result<Secret, ClientError> {
    // Still busy means that it is open.
    let opened = match opened {
        Some(opened) => {
            timeout(Duration::from_secs(2), opened).await.map_or(true, |o| o.unwrap_or(false))
        }
        None => false,
    };
    if !opened {
        client.report.address("open this address in a browser:", &url);
    }
    client.report.note("waiting for the answer; if the browser cannot reach this machine, paste the address it ends on:");
    loop {
        let Some(line) = client.terminal.line().await else {
            return std::future::pending().await;
        };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        match pending.query_of(line).map(|query| pending.evaluate(query)) {
            None => client
                .report
                .warn(&format!("that is not an address below {}", pending.redirect_uri)),
            Some(Err(error @ ClientError::StateMismatch)) => client.report.warn(&error.to_string()),
            Some(outcome) => return outcome,
        }
    }
}

/// Plays a browser that never stops at a page: every hop on the way is the authorization server's own, the last is us.
async fn follow(
    client: &Client,
    mut url: String,
    pending: &PendingAuthorization,
) -> Result<Secret, ClientError> {
    client.report.note("headless: following the redirects with nobody's help");
    let home = urls::secure(&url)?.origin();
    let mut cookies = BTreeMap::new();
    for _ in 0..MAX_REDIRECTS {
        let sent: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = client.http.page(&url, &sent.join("; ")).await?;
        cookies.extend(set_cookies(&answer));
        let Some(location) = location(&answer) else {
            return Err(match answer.status.is_success() {
                true => ClientError::InteractionRequired { url },
                false => ClientError::Status {
                    what: "the authorization endpoint",
                    url: crate::client::context::redact::redact_url(&url),
                    status: answer.status.as_u16(),
                },
            });
        };
        if let Some(query) = pending.query_of(&location) {
            return pending.evaluate(query);
        }
        let next = Url::parse(&url).and_then(|base| base.join(&location));
        match next {
            Ok(next) if next.origin() == home => url = next.to_string(),
            _ => {
                let found = location.split('?').next().unwrap_or_default().to_owned();
                return Err(ClientError::RedirectMismatch {
                    expected: pending.redirect_uri.clone(),
                    found,
                });
            }
        }
    }
    Err(ClientError::Redirected { from: url, to: "ever more places".to_owned() })
}

/// The cookies of an answer. They go back to the same origin only, which is the only one that is followed.
fn set_cookies(answer: &Answer) -> Vec<(String, String)> {
    let values = answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.filter_map(|value| value.split(';').next()?.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn location(answer: &Answer) -> Option<String> {
    let location = answer.headers.get(LOCATION).filter(|_| answer.status.is_redirection())?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_is_where_the_redirect_leads() {
        for (uri, expected) in [
            ("http://127.0.0.1:1/callback", "127.0.0.1"),
            ("http://127.0.0.2:1/callback", "127.0.0.2"),
            ("http://[::1]:1/callback", "::1"),
            ("http://localhost:1/callback", "127.0.0.1"),
        ] {
            assert_eq!(named(&Url::parse(uri).unwrap()).to_string(), expected, "{uri}");
        }
    }
}
