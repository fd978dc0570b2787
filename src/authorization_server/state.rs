//! An authorization server at work: what its doors share. All of it is in memory; a restart means logging in again.

use std::sync::Arc;

use axum::http::StatusCode;

use super::{
    AuthorizationServer, OFFLINE_ACCESS,
    clients::{Client, Clients},
    clock::Clock,
    documents::{DocumentError, Documents},
    fetch::FetchError,
    grants::Grants,
    pages::Problem,
    registration,
    session::Sessions,
    throttle::{PerMinute, Throttle},
};
use crate::{auth::keys::KeyPair, principal::ScopeSet};

/// An authorization server at work.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) issuer: String,
    pub(super) keys: KeyPair,
    pub(super) resources: Vec<String>,
    pub(super) scopes: ScopeSet,
    pub(super) lifetime: u64,
    pub(super) clock: Clock,
    pub(super) clients: Clients,
    pub(super) documents: Documents,
    pub(super) grants: Grants,
    pub(super) sessions: Sessions,
    pub(super) logins: Throttle,
    pub(super) secrets: Throttle,
    pub(super) registrations: PerMinute,
}

impl From<AuthorizationServer> for Server {
    fn from(new: AuthorizationServer) -> Self {
        Self {
            clients: Clients::new(&new.scopes),
            documents: Documents::new(new.documents),
            grants: Grants::new(new.lifetime, new.withdrawn),
            sessions: Sessions::new(&new.issuer),
            logins: Throttle::new(),
            secrets: Throttle::new(),
            registrations: PerMinute::new(registration::PER_MINUTE),
            issuer: new.issuer,
            keys: new.keys,
            resources: new.resources,
            scopes: new.scopes,
            lifetime: new.lifetime,
            clock: new.clock,
        }
    }
}

impl Server {
    /// What clients may register for.
    pub(super) fn offered_scopes(&self) -> ScopeSet {
        self.scopes.union(&[OFFLINE_ACCESS].into())
    }

    /// The client of this name, wherever it is described.
    ///
    /// # Errors
    /// When there is none, or none that can be had now.
    pub(super) async fn client(&self, id: &str) -> Result<Arc<Client>, NoClient> {
        let now = self.clock.now();
        if !Documents::is_url(id) {
            return self.clients.get(id, now).ok_or(NoClient::Unregistered);
        }
        Ok(self.documents.client(id, &self.offered_scopes(), now).await?)
    }

    /// The resources that a request names, as they call themselves; the first of ours when it names none. `None`
    /// when one of them is not ours.
    pub(super) fn resources<'a>(
        &self,
        named: impl Iterator<Item = &'a str>,
    ) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for name in named {
            let ours = self.resources.iter().find(|ours| is_same_resource(ours, name))?;
            if !found.contains(ours) {
                found.push(ours.clone());
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
pub(super) enum NoClient {
    /// It never registered, or that was forgotten.
    Unregistered,
    /// Its document does not make one.
    Document(DocumentError),
}

impl From<DocumentError> for NoClient {
    fn from(error: DocumentError) -> Self {
        Self::Document(error)
    }
}

impl NoClient {
    /// As a person is told.
    pub(super) fn page(self, id: &str) -> Problem {
        match self {
            Self::Unregistered => Problem::unknown_client(id),
            Self::Document(error) => {
                let problem = Problem::document(id, &error.to_string());
                match error {
                    DocumentError::Busy => problem.with_status(StatusCode::SERVICE_UNAVAILABLE),
                    _ => problem,
                }
            }
        }
    }

    /// Whether it says nothing about the client: it may be different in a minute.
    pub(super) fn is_passing(&self) -> bool {
        use DocumentError::{Busy, Fetch};

        matches!(self, Self::Document(Busy | Fetch(FetchError::Unreachable | FetchError::Slow)))
    }
}

/// Byte for byte, save for what MCP authorization, "Canonical Server URI" asks servers to accept: capitals in scheme
/// and host, and the slash that URL types put behind a bare origin.
fn is_same_resource(ours: &str, name: &str) -> bool {
    let split = |uri: &str| {
        let authority = uri.find("://").map_or(0, |at| at + 3);
        let path = uri[authority..].find(['/', '?', '#']).map_or(uri.len(), |at| authority + at);
        let (origin, path) = uri.split_at(path);
        (origin.to_ascii_lowercase(), if path == "/" { String::new() } else { path.to_owned() })
    };
    split(ours) == split(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_known_by_its_exact_name_whatever_the_case_of_its_host() {
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
