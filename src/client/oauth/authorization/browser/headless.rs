//! The authorization request without a browser: the HTTP client follows the redirects to the redirect URI.
//!
//! For authorization servers that need no user, such as test servers and those where a session cookie is not required.

use std::collections::BTreeMap;

use reqwest::header::{LOCATION, SET_COOKIE};
use url::Url;

use crate::client::{
    context::{
        client::Client, credentials::secret::Secret, error::ClientError, http::Response,
        reporter::redact::redact_url, urls,
    },
    oauth::authorization::response::PendingAuthorization,
};

const MAX_REDIRECTS: usize = 10;

/// Follows redirects within the authorization server's origin until one leads to the redirect URI.
pub(super) async fn follow(
    client: &Client,
    mut url: String,
    pending: &PendingAuthorization,
) -> Result<Secret, ClientError> {
    client.reporter.note("headless: following the redirects without a browser");
    let origin = urls::secure(&url)?.origin();
    let mut cookies = BTreeMap::new();
    for _ in 0..MAX_REDIRECTS {
        let sent: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = client.http.page(&url, &sent.join("; ")).await?;
        cookies.extend(set_cookies(&response));
        let Some(location) = location(&response) else {
            return Err(match response.status.is_success() {
                true => ClientError::InteractionRequired { url },
                false => ClientError::Status {
                    what: "the authorization endpoint",
                    url: redact_url(&url),
                    status: response.status.as_u16(),
                },
            });
        };
        if let Some(query) = pending.query_of(&location) {
            return pending.validate_response(query);
        }
        let next = Url::parse(&url).and_then(|base| base.join(&location));
        match next {
            Ok(next) if next.origin() == origin => url = next.to_string(),
            _ => {
                return Err(ClientError::RedirectMismatch {
                    expected: pending.redirect_uri().to_owned(),
                    found: location.split('?').next().unwrap_or_default().to_owned(),
                });
            }
        }
    }
    Err(ClientError::Redirected { from: url, to: "more places than are followed".to_owned() })
}

/// The cookies of a response. They are sent to the same origin, the only one that is followed.
fn set_cookies(response: &Response) -> Vec<(String, String)> {
    let values =
        response.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.filter_map(|value| value.split(';').next()?.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn location(response: &Response) -> Option<String> {
    let location = response.headers.get(LOCATION).filter(|_| response.status.is_redirection())?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}
