//! Sessions of the revisions that begin with a handshake: an id given with the answer to `initialize`, sent back with
//! every later request, ended with `DELETE`.
//!
//! Rules: MCP 2025-11-25 transports, "Session Management"; security best practices, "Session Hijacking": a session is
//! bound to its caller and never stands in for authentication. Here an id is a random number and its seal over that
//! number and the caller, so nothing is kept in memory but what was ended, and an id is worthless in other hands.
//! Replicas that seal with the same secret know each other's sessions; that one was ended knows only the one that heard.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use quick_cache::sync::Cache;

use crate::principal::Principal;

use super::seal::{self, Seal};

/// How many ended sessions are remembered. One that is forgotten could be used again, by its own caller only.
const ENDED: usize = 10_000;

const NONCE_LENGTH: usize = 16;

/// The sessions of a server.
#[derive(Debug, Clone)]
pub struct Sessions(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    seal: Seal,
    ended: Cache<Box<str>, ()>,
}

impl Sessions {
    /// None yet; sealed with this secret, or with one of its own.
    pub fn new(secret: Option<&str>) -> Self {
        let seal = Seal::new(secret, "sessions");
        Self(Arc::new(Parts { seal, ended: Cache::new(ENDED) }))
    }

    /// A new session of this caller.
    pub(super) fn begin(&self, caller: Option<&Principal>) -> String {
        let nonce = seal::random::<NONCE_LENGTH>();
        let seal = self.0.seal.over(&[&nonce, issuer(caller), subject(caller)]);
        URL_SAFE_NO_PAD.encode([&nonce[..], &seal].concat())
    }

    /// Whether this is a session of this caller that was not ended.
    pub(super) fn knows(&self, id: &str, caller: Option<&Principal>) -> bool {
        let mut bytes = [0; NONCE_LENGTH + seal::LENGTH];
        let read = URL_SAFE_NO_PAD.decode_slice(id, &mut bytes);
        let (nonce, seal) = bytes.split_at(NONCE_LENGTH);
        read == Ok(bytes.len())
            && self.0.seal.holds(&[nonce, issuer(caller), subject(caller)], seal)
            && self.0.ended.get(id).is_none()
    }

    /// Ends a session that [`knows`](Self::knows) found good.
    pub(super) fn end(&self, id: &str) {
        self.0.ended.insert(id.into(), ());
    }
}

fn issuer(caller: Option<&Principal>) -> &[u8] {
    caller.map_or(b"", |caller| caller.issuer.as_bytes())
}

fn subject(caller: Option<&Principal>) -> &[u8] {
    caller.map_or(b"", |caller| caller.unique_id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_belongs_to_its_caller_until_it_is_ended() {
        let sessions = Sessions::new(None);
        let (alice, bob) =
            (Principal::for_test("alice", "", &[]), Principal::for_test("bob", "", &[]));
        let id = sessions.begin(Some(&alice));
        assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_ne!(id, sessions.begin(Some(&alice)));
        for (id, caller, known) in [
            (id.as_str(), Some(&alice), true),
            (&id, Some(&bob), false),
            (&id, None, false),
            (&id[1..], Some(&alice), false),
            ("", Some(&alice), false),
            ("made-up", Some(&alice), false),
        ] {
            assert_eq!(sessions.knows(id, caller), known, "{id} {caller:?}");
        }
        assert!(!Sessions::new(None).knows(&id, Some(&alice)), "another server's key");
        let shared = Sessions::new(Some("one")).begin(Some(&alice));
        assert!(Sessions::new(Some("one")).knows(&shared, Some(&alice)), "a replica");
        assert!(!Sessions::new(Some("two")).knows(&shared, Some(&alice)));
        sessions.end(&id);
        assert!(!sessions.knows(&id, Some(&alice)));
    }
}
