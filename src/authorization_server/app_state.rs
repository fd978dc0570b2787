//! The state that the endpoints share. All of it is in memory; after a restart clients register and users log in again.

use std::sync::Arc;

use super::{
    client_metadata::documents::{ClientDocuments, DocumentError},
    clock::Clock,
    scopes::SupportedScopes,
    state::{
        accounts::Account,
        clients::{Client, Clients},
        grants::Grants,
        sessions::Sessions,
    },
    throttle::{FailureDelay, FixedWindowLimiter},
    ttl_map::TtlMap,
};
use crate::auth::{dpop::DpopVerifier, identity_provider::IdentityProvider, keys::KeyPair};

/// What every endpoint gets.
#[derive(Debug)]
pub(super) struct AppState {
    pub(super) issuer: String,
    pub(super) keys: KeyPair,
    pub(super) resources: Vec<String>,
    pub(super) scopes: SupportedScopes,
    pub(super) access_token_lifetime: u64,
    pub(super) clock: Clock,
    pub(super) accounts: Vec<Arc<Account>>,
    pub(super) clients: Clients,
    pub(super) documents: ClientDocuments,
    pub(super) grants: Grants,
    pub(super) sessions: Sessions,
    pub(super) login_failures: FailureDelay,
    pub(super) registrations: FixedWindowLimiter,
    /// The `jti` of each client assertion that was used, until it expires (RFC 7523, 3).
    pub(super) used_assertions: std::sync::Mutex<TtlMap<()>>,
    /// The `jti` of each ID-JAG that was used, as long as it could be accepted.
    pub(super) used_id_jags: std::sync::Mutex<TtlMap<()>>,
    pub(super) enterprise_provider: Option<IdentityProvider>,
    /// `None` where no resource accepts bound tokens.
    pub(super) dpop: Option<DpopVerifier>,
}

impl AppState {
    /// The client with this id, registered or described by a document.
    ///
    /// # Errors
    /// When there is none, or its document cannot be read.
    pub(super) async fn client(&self, id: &str) -> Result<Arc<Client>, ClientLookupError> {
        let now = self.clock.now();
        if !ClientDocuments::is_url(id) {
            return self.clients.get(id, now).ok_or(ClientLookupError::NotRegistered);
        }
        Ok(self.documents.client(id, &self.scopes, now).await?)
    }

    /// A user allowed this client something, or it got a token for one. A mere request does not count, for anybody can send
    /// one.
    pub(super) fn mark_used(&self, client: &Client, now: u64) {
        self.documents.mark_used(client, now);
        self.clients.mark_used(&client.id, now);
    }

    /// The canonical names of the resources that a request names, or the first resource when it names none. `None`
    /// when one of them is not a resource of this server (RFC 8707, 2).
    pub(super) fn resources<'a>(
        &self,
        named: impl Iterator<Item = &'a str>,
    ) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for name in named {
            let resource = self.resources.iter().find(|known| is_same_resource(known, name))?;
            if !found.contains(resource) {
                found.push(resource.clone());
            }
        }
        if found.is_empty() {
            found.extend(self.resources.first().cloned());
        }
        Some(found)
    }
}

/// Why there is no client.
#[derive(Debug)]
pub(super) enum ClientLookupError {
    /// It never registered, or the registration was removed.
    NotRegistered,
    /// Its metadata document is no valid one.
    Document(DocumentError),
}

impl From<DocumentError> for ClientLookupError {
    fn from(error: DocumentError) -> Self {
        Self::Document(error)
    }
}

impl ClientLookupError {
    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Document(error) if error.is_transient())
    }
}

/// Byte for byte, except for what MCP authorization, "Canonical Server URI" asks servers to accept: upper case in scheme
/// and host, and the slash that URL types add to an origin.
fn is_same_resource(resource: &str, name: &str) -> bool {
    let split = |uri: &str| {
        let authority = uri.find("://").map_or(0, |at| at + 3);
        let path = uri[authority..].find(['/', '?', '#']).map_or(uri.len(), |at| authority + at);
        let (origin, path) = uri.split_at(path);
        (origin.to_ascii_lowercase(), if path == "/" { String::new() } else { path.to_owned() })
    };
    split(resource) == split(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_compared_byte_for_byte_except_for_the_case_of_its_host() {
        for (name, expected) in [
            ("http://localhost:9000/mcp", true),
            ("HTTP://LocalHost:9000/mcp", true),
            ("http://localhost:9000/mcp/", false),
            ("http://localhost:9000/MCP", false),
            ("http://localhost:9000/mcp?x", false),
            ("http://localhost:9000/mcp#x", false),
            ("http://localhost/mcp", false),
            ("localhost:9000/mcp", false),
            ("", false),
        ] {
            assert_eq!(is_same_resource("http://localhost:9000/mcp", name), expected, "{name}");
        }
        assert!(is_same_resource("http://localhost:9000", "http://localhost:9000/"));
    }
}
