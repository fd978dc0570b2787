//! `POST /auth/register`: a client introduces itself and gets its `client_id`.
//!
//! Rules: RFC 7591 (sections 2 and 3), OpenID Connect Dynamic Client Registration 1.0 section 2 (`application_type`),
//! MCP authorization, "Application Type and Redirect URI Constraints". Metadata that we do not know is ignored, what
//! we do not support is replaced, and the answer says what was registered (RFC 7591, 3.2.1).

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    clients::{Client, Provenance},
    error::OAuthError,
    redirect_uri,
    secret::{self, Fingerprint},
    state::Server,
};
use crate::principal::ScopeSet;

/// Registrations of one minute: so that a flood cannot push out a client before its person has logged in.
pub(super) const PER_MINUTE: u32 = 100;
/// Redirect URIs of one client.
const REDIRECT_URIS: usize = 20;
/// Characters of a name.
const NAME: usize = 120;

/// What a client says of itself: in a registration, or in its metadata document.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ClientMetadata {
    pub(super) redirect_uris: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_uri: Option<String>,
    pub(super) application_type: Option<String>,
    pub(super) token_endpoint_auth_method: Option<String>,
    pub(super) grant_types: Option<Vec<String>>,
    pub(super) response_types: Option<Vec<String>>,
    pub(super) scope: Option<String>,
    #[serde(skip_serializing)]
    pub(super) jwks: Option<serde_json::Value>,
    #[serde(skip_serializing)]
    pub(super) jwks_uri: Option<serde_json::Value>,
}

impl ClientMetadata {
    /// Checks every member and puts what we do in place of what was left open.
    pub(super) fn settle(mut self, supported: &ScopeSet) -> Result<Self, OAuthError> {
        let invalid = |description| OAuthError::new("invalid_client_metadata", description);
        let uris = self.redirect_uris.as_deref().unwrap_or_default();
        if uris.is_empty() || uris.len() > REDIRECT_URIS {
            return Err(invalid("redirect_uris must list between 1 and 20 URIs"));
        }
        // Cursor lists a scheme of its own beside addresses that MCP allows. Those are registered, and the answer says so
        // (RFC 7591, 3.2.1: the server may replace what was asked for).
        let usable = |uri: &String| redirect_uri::check(uri).is_ok();
        if let Some(uris) = self.redirect_uris.as_mut().filter(|uris| uris.iter().any(usable)) {
            uris.retain(|uri| !redirect_uri::is_private_use(uri));
        }
        let uris = self.redirect_uris.as_deref().unwrap_or_default();
        let refuse_uri = |description| OAuthError::new("invalid_redirect_uri", description);
        uris.iter().try_for_each(|uri| redirect_uri::check(uri)).map_err(refuse_uri)?;
        let loopback = uris.iter().any(|uri| redirect_uri::is_this_machine(uri));
        match self.application_type.as_deref() {
            None => {
                self.application_type = Some(if loopback { "native" } else { "web" }.to_owned())
            }
            Some("native") => {}
            Some("web") if !loopback => {}
            Some("web") => {
                return Err(refuse_uri(
                    "a web client cannot be called back on this machine; register with application_type native",
                ));
            }
            Some(_) => return Err(invalid("application_type must be native or web")),
        }
        if self.client_name.as_ref().is_some_and(|name| name.chars().count() > NAME) {
            return Err(invalid("client_name must have at most 120 characters"));
        }
        if self.client_uri.as_ref().is_some_and(|uri| uri.len() > 2048 || !uri.starts_with("http"))
        {
            return Err(invalid("client_uri must be an http or https URL"));
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(invalid("jwks and jwks_uri exclude each other"));
        }
        let grants = self.grant_types.get_or_insert_with(|| vec!["authorization_code".to_owned()]);
        grants.retain(|grant| ["authorization_code", "refresh_token"].contains(&grant.as_str()));
        if !grants.iter().any(|grant| grant == "authorization_code") {
            return Err(invalid("grant_types must include authorization_code"));
        }
        grants.dedup();
        let responses = self.response_types.get_or_insert_with(|| vec!["code".to_owned()]);
        if *responses != ["code"] {
            return Err(invalid("response_types must be code and nothing else"));
        }
        let method =
            self.token_endpoint_auth_method.get_or_insert_with(|| "client_secret_basic".to_owned());
        if !["none", "client_secret_basic", "client_secret_post"].contains(&method.as_str()) {
            return Err(invalid(
                "token_endpoint_auth_method must be none, client_secret_basic or client_secret_post",
            ));
        }
        let wanted = self.scope.as_deref().map(ScopeSet::parse).filter(|scopes| !scopes.is_empty());
        let scopes = match wanted {
            // A narrower one than those that we name is one, too: challenges ask for them.
            Some(wanted) => wanted.iter().filter(|scope| supported.holds(scope)).collect(),
            None => supported.clone(),
        };
        if scopes.is_empty() {
            return Err(invalid("none of these scopes is known here; see scopes_supported"));
        }
        self.scope = Some(scopes.to_string());
        Ok(self)
    }

    /// The client that these words, once settled, describe.
    pub(super) fn into_client(
        self,
        id: String,
        provenance: Provenance,
        secret: Option<&str>,
    ) -> Client {
        let grants = self.grant_types.unwrap_or_default();
        Client {
            name: self
                .client_name
                .as_deref()
                .map(presentable)
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| id.clone()),
            id,
            provenance,
            secret: secret.map(Fingerprint::of),
            redirect_uris: self.redirect_uris.unwrap_or_default(),
            scopes: self.scope.as_deref().map(ScopeSet::parse).unwrap_or_default(),
            refreshes: grants.iter().any(|grant| grant == "refresh_token"),
        }
    }
}

/// A stranger's name without what would disturb the page around it: control characters, and the marks that turn
/// the direction of the text that follows (Unicode Standard Annex 9). Escaping for HTML is the template's work.
fn presentable(name: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let visible: String = name.chars().filter(|&c| !c.is_control() && !turns(c)).collect();
    visible.trim().to_owned()
}

/// The answer (RFC 7591, 3.2.1).
#[derive(Serialize)]
struct Registered {
    client_id: String,
    client_id_issued_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// 0: never. Required whenever a secret is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

/// Registers whoever asks: that is what makes it "dynamic". The person decides at the consent page.
pub(super) async fn register(
    State(server): State<Arc<Server>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OAuthError> {
    let invalid = |description| OAuthError::new("invalid_client_metadata", description);
    let body = body.map_err(|rejection| {
        invalid("the registration is too large").with_status(rejection.status())
    })?;
    // A list would be read as the members in their order.
    let object = body.trim_ascii_start().starts_with(b"{");
    let metadata = serde_json::from_slice(&body).ok().filter(|_| object);
    let metadata: ClientMetadata = metadata.ok_or_else(|| {
        invalid("the registration must be a JSON object whose members have the types of RFC 7591")
    })?;
    let metadata = metadata.settle(&server.offered_scopes())?;
    let now = server.clock.now();
    let wait = |seconds| OAuthError::wait("too many registrations", seconds);
    server.registrations.count(now).map_err(wait)?;
    let public = metadata.token_endpoint_auth_method.as_deref() == Some("none");
    let client_secret = (!public).then(secret::random);
    let client_id = secret::random();
    let client = metadata.clone().into_client(
        client_id.clone(),
        Provenance::SelfRegistered,
        client_secret.as_deref(),
    );
    server.clients.register(client, now);
    tracing::info!(%client_id, public, "client registered");
    let registered = Registered {
        client_id,
        client_id_issued_at: now,
        client_secret_expires_at: client_secret.as_ref().map(|_| 0),
        client_secret,
        metadata,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(registered))
        .into_response())
}
