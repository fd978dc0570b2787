//! What must never be seen in a log: whatever the tests use as a secret is noted here, and the log of every server
//! is searched for it when the server ends.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Shorter ones would be found by chance.
const SHORTEST: usize = 8;

static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes a secret: a token, a code, a verifier, a password.
pub(crate) fn note(secret: &str) {
    if secret.len() >= SHORTEST {
        NOTED.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.to_owned());
    }
}

/// What is wrong with this log: a secret, or something that looks like a token.
pub(crate) fn found_in(log: &str) -> Option<String> {
    let noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(secret) = noted.iter().find(|secret| log.contains(secret.as_str())) {
        return Some(format!("the secret {secret}"));
    }
    // A JWT begins with `{"` twice: header and claims. A part of it alone is as good as the claims in clear.
    log.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .find(|word| word.starts_with("eyJ") && word.contains(".eyJ"))
        .map(|token| format!("the token {token}"))
}

#[test]
fn a_secret_and_what_looks_like_one_are_found() {
    note("a-secret-of-this-very-test");
    assert!(found_in("x a-secret-of-this-very-test y").is_some());
    assert!(found_in("token=\"eyJhbGciOiJ.eyJpc3MiOi.x\"").is_some());
    assert!(found_in("an ordinary line, eyJ and all").is_none());
}
