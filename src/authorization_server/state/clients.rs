//! The registered clients: one that is always there, and those that registered themselves.
//!
//! Specs: RFC 6749 section 2 (clients), RFC 7591 section 5 (anybody may register, so number and lifetime are bounded).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde::Serialize;

use crate::{
    authorization_server::{jwt::JwtKeys, redirect_uri, secret::SecretHash},
    principal::ScopeSet,
};

const MAX_CLIENTS: usize = 1000;
/// Seconds until a client that was not used is removed: thirty days.
const IDLE_TTL: u64 = 30 * 24 * 3600;
/// Seconds until a client that was never used is removed: a day.
const UNUSED_TTL: u64 = 24 * 3600;

/// Where a client's description comes from, which decides how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) enum Provenance {
    /// Part of this server.
    BuiltIn,
    /// The client registered itself; everything about it is its own claim.
    SelfRegistered,
    /// The document at this URL, so the owner of the host vouches for it.
    MetadataDocument,
}

/// How a client proves who it is (RFC 7591, 2: `token_endpoint_auth_method`).
#[derive(Debug, Clone)]
pub(crate) enum Authentication {
    /// A public client.
    None,
    /// `client_secret_basic` or `client_secret_post`.
    Secret(SecretHash),
    /// `private_key_jwt` (RFC 7523).
    PrivateKeyJwt(ClientKeys),
    /// A metadata document lists both `none` and `private_key_jwt`. It serves every authorization server, and this one
    /// cannot say which it prefers, so an assertion is verified if there is one.
    NoneOrPrivateKeyJwt(ClientKeys),
}

impl Authentication {
    pub(crate) fn is_confidential(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::PrivateKeyJwt(_))
    }
}

/// The public keys of a client (RFC 7591, 2: `jwks` or `jwks_uri`).
#[derive(Debug, Clone)]
pub(crate) enum ClientKeys {
    Jwks(Arc<JwtKeys>),
    Uri(String),
}

/// A client, however it was described.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) provenance: Provenance,
    pub(crate) authentication: Authentication,
    pub(crate) redirect_uris: Vec<String>,
    /// The scopes that it registered for; it never gets more (RFC 7591, 2).
    pub(crate) scopes: ScopeSet,
    pub(crate) grant_types: Vec<String>,
    /// Whether each of its token requests must have a proof (RFC 9449, 5.2).
    pub(crate) always_uses_dpop: bool,
}

impl Client {
    /// The client that the guides use: public, with a callback on any loopback port.
    fn built_in(scopes: &ScopeSet) -> Self {
        let hosts = ["127.0.0.1", "localhost", "[::1]"];
        let paths = ["/callback", "/oauth/callback"];
        Self {
            id: "mcp-test-client".to_owned(),
            name: "MCP test client".to_owned(),
            provenance: Provenance::BuiltIn,
            authentication: Authentication::None,
            redirect_uris: hosts
                .iter()
                .flat_map(|host| paths.iter().map(move |path| format!("http://{host}{path}")))
                .collect(),
            scopes: scopes.clone(),
            grant_types: ["authorization_code", "refresh_token"].map(str::to_owned).to_vec(),
            always_uses_dpop: false,
        }
    }

    /// Whether `uri` is one of the client's redirect URIs.
    pub(crate) fn allows_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| redirect_uri::matches(registered, uri))
    }

    /// Whether the client registered for this grant type.
    pub(crate) fn allows_grant_type(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}

#[derive(Debug)]
struct Entry {
    client: Arc<Client>,
    /// When it was registered or last used.
    last_used: u64,
    /// Whether a user ever allowed it anything.
    used: bool,
}

impl Entry {
    fn is_expired(&self, now: u64) -> bool {
        now >= self.last_used + if self.used { IDLE_TTL } else { UNUSED_TTL }
    }
}

/// All clients but those that a metadata document describes.
#[derive(Debug)]
pub(crate) struct Clients {
    built_in: Arc<Client>,
    registered: Mutex<HashMap<String, Entry>>,
}

impl Clients {
    pub(crate) fn new(scopes: &ScopeSet) -> Self {
        Self { built_in: Arc::new(Client::built_in(scopes)), registered: Mutex::default() }
    }

    pub(crate) fn get(&self, id: &str, now: u64) -> Option<Arc<Client>> {
        if id == self.built_in.id {
            return Some(Arc::clone(&self.built_in));
        }
        let registered = self.registered.lock().expect("not poisoned");
        let entry = registered.get(id).filter(|entry| !entry.is_expired(now))?;
        Some(Arc::clone(&entry.client))
    }

    /// Adds a client. A full registry evicts clients that were never used first, and the oldest of them: a flood of
    /// registrations evicts itself and not the clients in use.
    pub(crate) fn register(&self, client: Client, now: u64) {
        let mut registered = self.registered.lock().expect("not poisoned");
        if registered.len() >= MAX_CLIENTS {
            registered.retain(|_, entry| !entry.is_expired(now));
        }
        if registered.len() >= MAX_CLIENTS {
            let first = registered.iter().min_by_key(|(_, entry)| (entry.used, entry.last_used));
            if let Some(id) = first.map(|(id, _)| id.clone()) {
                registered.remove(&id);
            }
        }
        let entry = Entry { client: Arc::new(client), last_used: now, used: false };
        registered.insert(entry.client.id.clone(), entry);
    }

    /// A user allowed this client something, or it got a token. A mere request does not count, for anybody can send one.
    pub(crate) fn mark_used(&self, id: &str, now: u64) {
        let mut registered = self.registered.lock().expect("not poisoned");
        if let Some(entry) = registered.get_mut(id) {
            entry.last_used = now;
            entry.used = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str) -> Client {
        Client { id: id.to_owned(), ..Client::built_in(&ScopeSet::default()) }
    }

    #[test]
    fn a_flood_of_registrations_evicts_itself_and_not_the_clients_in_use() {
        let clients = Clients::new(&ScopeSet::default());
        clients.register(client("old but used"), 0);
        clients.mark_used("old but used", 1);
        clients.register(client("oldest unused"), 2);
        for number in 0..MAX_CLIENTS {
            clients.register(client(&format!("flood {number}")), 3 + number as u64);
        }
        let now = 3 + MAX_CLIENTS as u64;
        assert!(clients.get("old but used", now).is_some());
        assert!(clients.get("oldest unused", now).is_none());
        assert!(clients.get("flood 0", now).is_none());
        assert!(clients.get("flood 999", now).is_some());
        assert_eq!(clients.registered.lock().unwrap().len(), MAX_CLIENTS);
        assert!(clients.get("mcp-test-client", now).is_some());
    }

    #[test]
    fn unused_clients_are_removed() {
        let clients = Clients::new(&ScopeSet::default());
        clients.register(client("a"), 0);
        clients.register(client("b"), 0);
        clients.mark_used("b", 0);
        assert!(clients.get("a", UNUSED_TTL - 1).is_some());
        assert!(clients.get("a", UNUSED_TTL).is_none());
        assert!(clients.get("b", IDLE_TTL - 1).is_some());
        assert!(clients.get("b", IDLE_TTL).is_none());
    }
}
