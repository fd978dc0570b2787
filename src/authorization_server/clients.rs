//! The clients that this server knows: one from the start, others that registered themselves.
//!
//! Rules: RFC 6749 section 2 (clients), RFC 7591 section 5 (anybody may register: so numbers and times are bounded).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use super::{redirect_uri, secret::Fingerprint};
use crate::principal::ScopeSet;

/// Registrations that are kept.
const CAPACITY: usize = 1000;
/// How long a client may go without being used, in seconds: thirty days.
const IDLE: u64 = 30 * 24 * 3600;
/// How long one that was never used is kept, in seconds: a day.
const UNUSED: u64 = 24 * 3600;

/// How we came to know a client, which says how far its own words about itself may be believed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Provenance {
    /// Part of this server.
    Known,
    /// It registered itself; everything about it is its own claim.
    SelfRegistered,
    /// The document at this URL describes it, so the owner of the URL's host vouches for it.
    Document,
}

/// A client, as the other rooms need it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) provenance: Provenance,
    /// `None`: a public client, which has no secret to keep.
    pub(super) secret: Option<Fingerprint>,
    pub(super) redirect_uris: Vec<String>,
    /// The scopes that it registered with; more are never given (RFC 7591, 2).
    pub(super) scopes: ScopeSet,
    /// Whether it registered for the `refresh_token` grant.
    pub(super) refreshes: bool,
}

impl Client {
    /// The client that the guides use: public, with a callback on any loopback port.
    fn known(scopes: &ScopeSet) -> Self {
        let hosts = ["127.0.0.1", "localhost", "[::1]"];
        let paths = ["/callback", "/oauth/callback"];
        Self {
            id: "mcp-test-client".to_owned(),
            name: "MCP test client".to_owned(),
            provenance: Provenance::Known,
            secret: None,
            redirect_uris: hosts
                .iter()
                .flat_map(|host| paths.iter().map(move |path| format!("http://{host}{path}")))
                .collect(),
            scopes: scopes.clone(),
            refreshes: true,
        }
    }

    /// Whether answers may be sent to `uri`.
    pub(super) fn may_redirect_to(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| redirect_uri::matches(registered, uri))
    }
}

#[derive(Debug)]
struct Entry {
    client: Arc<Client>,
    /// When it was registered or last used.
    touched: u64,
    /// Whether anybody ever let it in.
    used: bool,
}

impl Entry {
    fn is_over(&self, now: u64) -> bool {
        now >= self.touched + if self.used { IDLE } else { UNUSED }
    }
}

/// All clients but those that a document describes.
#[derive(Debug)]
pub(super) struct Clients {
    known: Arc<Client>,
    registered: Mutex<HashMap<String, Entry>>,
}

impl Clients {
    pub(super) fn new(scopes: &ScopeSet) -> Self {
        Self { known: Arc::new(Client::known(scopes)), registered: Mutex::default() }
    }

    pub(super) fn get(&self, id: &str, now: u64) -> Option<Arc<Client>> {
        if id == self.known.id {
            return Some(Arc::clone(&self.known));
        }
        let registered = self.registered.lock().expect("no panic among clients");
        let entry = registered.get(id).filter(|entry| !entry.is_over(now))?;
        Some(Arc::clone(&entry.client))
    }

    /// Keeps a new client. When all places are taken, those go first that nobody ever used, and the oldest of them:
    /// a flood of registrations pushes out the flood, not the clients that people work with.
    pub(super) fn register(&self, client: Client, now: u64) {
        let mut registered = self.registered.lock().expect("no panic among clients");
        if registered.len() >= CAPACITY {
            registered.retain(|_, entry| !entry.is_over(now));
        }
        if registered.len() >= CAPACITY {
            let first = registered.iter().min_by_key(|(_, entry)| (entry.used, entry.touched));
            if let Some(id) = first.map(|(id, _)| id.clone()) {
                registered.remove(&id);
            }
        }
        let entry = Entry { client: Arc::new(client), touched: now, used: false };
        registered.insert(entry.client.id.clone(), entry);
    }

    /// A person let this client in, or it got a token: to come and ask for one is no use yet, for anybody can.
    pub(super) fn touch(&self, id: &str, now: u64) {
        let mut registered = self.registered.lock().expect("no panic among clients");
        if let Some(entry) = registered.get_mut(id) {
            entry.touched = now;
            entry.used = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str) -> Client {
        Client { id: id.to_owned(), ..Client::known(&ScopeSet::default()) }
    }

    #[test]
    fn a_flood_of_registrations_pushes_out_itself_and_not_the_clients_in_use() {
        let clients = Clients::new(&ScopeSet::default());
        clients.register(client("old but used"), 0);
        clients.touch("old but used", 1);
        clients.register(client("oldest unused"), 2);
        for number in 0..CAPACITY {
            clients.register(client(&format!("flood {number}")), 3 + number as u64);
        }
        let now = 3 + CAPACITY as u64;
        assert!(clients.get("old but used", now).is_some());
        assert!(clients.get("oldest unused", now).is_none());
        assert!(clients.get("flood 0", now).is_none());
        assert!(clients.get("flood 999", now).is_some());
        assert_eq!(clients.registered.lock().unwrap().len(), CAPACITY);
        assert!(clients.get("mcp-test-client", now).is_some());
    }

    #[test]
    fn clients_that_nobody_uses_are_forgotten() {
        let clients = Clients::new(&ScopeSet::default());
        clients.register(client("a"), 0);
        clients.register(client("b"), 0);
        clients.touch("b", 0);
        assert!(clients.get("a", UNUSED - 1).is_some());
        assert!(clients.get("a", UNUSED).is_none());
        assert!(clients.get("b", IDLE - 1).is_some());
        assert!(clients.get("b", IDLE).is_none());
    }
}
