//! Sessions: an id that the response to `initialize` carries, that the client sends with every later request, and that
//! `DELETE` terminates.
//!
//! Specs: MCP 2025-11-25 transports, "Session Management"; security best practices, "Session Hijacking": a session is
//! bound to its user and never replaces authentication. An id is a nonce and a MAC over the nonce and the caller, so the
//! server stores nothing but terminated sessions, and an id is worthless to anyone else. Replicas that share the signing
//! secret accept each other's sessions; a termination is known only to the replica that received it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use quick_cache::sync::Cache;

use crate::{
    mcp::mac::{self, MacKey},
    principal::Principal,
};

/// How many terminated sessions are kept. An evicted one could be used again, by its own caller only.
const MAX_TERMINATED: usize = 10_000;

const NONCE_BYTES: usize = 16;

/// The sessions of a server.
#[derive(Debug)]
pub(super) struct Sessions {
    key: MacKey,
    terminated: Cache<Box<str>, ()>,
}

impl Sessions {
    /// No sessions yet. Ids are signed with this secret, or with a key of this process.
    pub(super) fn new(secret: Option<&str>) -> Self {
        Self { key: MacKey::new(secret, "sessions"), terminated: Cache::new(MAX_TERMINATED) }
    }

    /// The id of a new session.
    pub(super) fn create(&self, caller: Option<&Principal>) -> String {
        let [issuer, subject] = identity(caller);
        let nonce = mac::random::<NONCE_BYTES>();
        let tag = self.key.sign(&[&nonce, issuer, subject]);
        URL_SAFE_NO_PAD.encode([&nonce[..], &tag].concat())
    }

    /// Whether this is a session of this caller that was not terminated, or one that began without a token: it may be
    /// continued with one, since it gives access to nothing.
    pub(super) fn is_valid(&self, id: &str, caller: Option<&Principal>) -> bool {
        let is_of = |nonce: &[u8], tag: &[u8], caller: Option<&Principal>| {
            let [issuer, subject] = identity(caller);
            self.key.verify(&[nonce, issuer, subject], tag)
        };
        let mut bytes = [0; NONCE_BYTES + mac::TAG_BYTES];
        let decoded = URL_SAFE_NO_PAD.decode_slice(id, &mut bytes);
        let (nonce, tag) = bytes.split_at(NONCE_BYTES);
        decoded == Ok(bytes.len())
            && (is_of(nonce, tag, caller) || is_of(nonce, tag, None))
            && self.terminated.get(id).is_none()
    }

    /// Terminates a session that [`is_valid`](Self::is_valid).
    pub(super) fn terminate(&self, id: &str) {
        self.terminated.insert(id.into(), ());
    }
}

/// What binds a session to its caller; empty where nobody authenticates.
fn identity(caller: Option<&Principal>) -> [&[u8]; 2] {
    caller.map_or([b"", b""], |caller| [caller.issuer.as_bytes(), caller.unique_id.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support;

    #[test]
    fn a_session_belongs_to_its_caller_until_it_is_terminated() {
        let sessions = Sessions::new(None);
        let (alice, bob) =
            (test_support::principal("alice", "", &[]), test_support::principal("bob", "", &[]));
        let id = sessions.create(Some(&alice));
        assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_ne!(id, sessions.create(Some(&alice)));
        for (id, caller, valid) in [
            (id.as_str(), Some(&alice), true),
            (&id, Some(&bob), false),
            (&id, None, false),
            (&id[1..], Some(&alice), false),
            ("", Some(&alice), false),
            ("made-up", Some(&alice), false),
        ] {
            assert_eq!(sessions.is_valid(id, caller), valid, "{id} {caller:?}");
        }
        let anonymous = sessions.create(None);
        assert!(sessions.is_valid(&anonymous, None) && sessions.is_valid(&anonymous, Some(&alice)));
        assert!(!Sessions::new(None).is_valid(&id, Some(&alice)), "another server's key");
        let shared = Sessions::new(Some("one")).create(Some(&alice));
        assert!(Sessions::new(Some("one")).is_valid(&shared, Some(&alice)), "a replica");
        assert!(!Sessions::new(Some("two")).is_valid(&shared, Some(&alice)));
        sessions.terminate(&id);
        assert!(!sessions.is_valid(&id, Some(&alice)));
    }
}
