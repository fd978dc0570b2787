//! What the client holds at an authorization server: its registration and its tokens.

pub(crate) mod private_file;
pub(crate) mod secret;
pub(crate) mod store;

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{client::context::credentials::secret::Secret, principal::ScopeSet};

/// How a client authenticates at the token endpoint (RFC 7591, 2; OpenID Connect Core 1.0, 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuthMethod {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
}

impl AuthMethod {
    const ALL: [Self; 4] =
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt];

    /// The registered name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// A registration at one authorization server. Credentials are bound to the server that issued them and are never sent
/// to another one (MCP authorization, "Authorization Server Binding").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientInformation {
    pub(crate) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<Secret>,
    /// Seconds since 1970; 0 means never (RFC 7591, 3.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret_expires_at: Option<u64>,
    pub(crate) method: AuthMethod,
    #[serde(default)]
    pub(crate) redirect_uri: String,
    /// The scopes that the client registered with; `None` if it did not register itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) registered_scopes: Option<String>,
}

impl ClientInformation {
    /// A client that was registered in advance, so nothing but its id and its authentication are known.
    pub(crate) fn pre_registered(
        client_id: String,
        client_secret: Option<Secret>,
        method: AuthMethod,
        redirect_uri: &str,
    ) -> Self {
        Self {
            client_id,
            client_secret,
            client_secret_expires_at: None,
            method,
            redirect_uri: redirect_uri.to_owned(),
            registered_scopes: None,
        }
    }

    /// Whether this registration allows to request `scopes`.
    pub(crate) fn allows(&self, scopes: &ScopeSet) -> bool {
        self.registered_scopes
            .as_deref()
            .map(ScopeSet::parse)
            .is_none_or(|registered| registered.union(scopes) == registered)
    }

    /// Whether its secret has expired, so that only a new registration helps.
    pub(crate) fn is_expired(&self) -> bool {
        self.client_secret_expires_at.is_some_and(|at| at != 0 && at <= unix_now())
    }
}

/// An access token and what is known about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    pub(crate) token: Secret,
    pub(crate) issuer: String,
    pub(crate) resource: String,
    /// The granted scopes; those requested if the server does not say (RFC 6749, 5.1).
    #[serde(rename = "scope", with = "scope_string")]
    pub(crate) scopes: ScopeSet,
    /// Seconds since 1970.
    pub(crate) expires_at: Option<u64>,
    pub(crate) refresh_token: Option<Secret>,
    /// The private key to which the token is bound (RFC 9449).
    pub(crate) proof_key: Option<Secret>,
    /// The private key to which only the refresh token is bound: that of a public client (RFC 9449, 5).
    #[serde(default)]
    pub(crate) refresh_key: Option<Secret>,
    /// To whom it was issued; needed to refresh it. `None` for grants that are repeated instead.
    pub(crate) client: Option<ClientInformation>,
}

/// A token is refreshed this long before it expires, so that it does not expire on its way.
const REFRESH_MARGIN_SECS: u64 = 30;

impl AccessToken {
    pub(crate) fn expires_soon(&self) -> bool {
        self.expires_at.is_some_and(|at| at < unix_now() + REFRESH_MARGIN_SECS)
    }

    pub(crate) fn belongs_to(&self, client_id: &str) -> bool {
        self.client.as_ref().is_some_and(|client| client.client_id == client_id)
    }
}

/// Seconds since 1970.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

mod scope_string {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::principal::ScopeSet;

    pub(super) fn serialize<S: Serializer>(scopes: &ScopeSet, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(scopes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<ScopeSet, D::Error> {
        String::deserialize(d).map(|text| ScopeSet::parse(&text))
    }
}
