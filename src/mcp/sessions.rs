//! Sessions of the revisions that begin with a handshake: an id given with the answer to `initialize`, sent back with
//! every later request, ended with `DELETE`.
//!
//! Rules: MCP 2025-11-25 transports, "Session Management"; security best practices, "Session Hijacking": a session is
//! bound to its caller and never stands in for authentication. Here an id is a random number and its seal over that
//! number and the caller, so nothing is kept in memory but what was ended, and an id is worthless in other hands.

use std::sync::Arc;

use aws_lc_rs::{
    hmac::{self, HMAC_SHA256},
    rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use quick_cache::sync::Cache;

use crate::principal::Principal;

/// How many ended sessions are remembered. One that is forgotten could be used again, by its own caller only.
const ENDED: usize = 10_000;

const NONCE_LENGTH: usize = 16;

/// The sessions of a server, until it stops.
#[derive(Clone)]
pub struct Sessions(Arc<Seals>);

struct Seals {
    key: hmac::Key,
    ended: Cache<Box<str>, ()>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Default for Sessions {
    fn default() -> Self {
        let key = hmac::Key::generate(HMAC_SHA256, &rand::SystemRandom::new())
            .expect("the system has random numbers");
        Self(Arc::new(Seals { key, ended: Cache::new(ENDED) }))
    }
}

impl Sessions {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new session of this caller.
    pub(super) fn begin(&self, caller: Option<&Principal>) -> String {
        let mut id = [0; NONCE_LENGTH].to_vec();
        rand::fill(&mut id).expect("the system has random numbers");
        let seal = hmac::sign(&self.0.key, &sealed(&id, caller));
        id.extend_from_slice(seal.as_ref());
        URL_SAFE_NO_PAD.encode(id)
    }

    /// Whether this is a session of this caller that was not ended.
    pub(super) fn knows(&self, id: &str, caller: Option<&Principal>) -> bool {
        let Some((nonce, seal)) = URL_SAFE_NO_PAD
            .decode(id)
            .ok()
            .filter(|bytes| bytes.len() > NONCE_LENGTH)
            .map(|mut bytes| (bytes.drain(..NONCE_LENGTH).collect::<Vec<_>>(), bytes))
        else {
            return false;
        };
        hmac::verify(&self.0.key, &sealed(&nonce, caller), &seal).is_ok()
            && self.0.ended.get(id).is_none()
    }

    /// Ends a session that [`knows`](Self::knows) found good.
    pub(super) fn end(&self, id: &str) {
        self.0.ended.insert(id.into(), ());
    }
}

/// What a seal is made over; lengths keep issuer and subject apart.
fn sealed(nonce: &[u8], caller: Option<&Principal>) -> Vec<u8> {
    let issuer = caller.map_or("", |caller| &caller.issuer);
    let subject = caller.map_or("", |caller| caller.subject.as_deref().unwrap_or(&caller.name));
    let length = (issuer.len() as u64).to_be_bytes();
    [nonce, &length, issuer.as_bytes(), subject.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_belongs_to_its_caller_until_it_is_ended() {
        let sessions = Sessions::new();
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
        assert!(!Sessions::new().knows(&id, Some(&alice)), "another server's key");
        sessions.end(&id);
        assert!(!sessions.knows(&id, Some(&alice)));
    }
}
