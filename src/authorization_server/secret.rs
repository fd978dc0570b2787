//! Random secrets, their hashes, and comparisons in constant time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits as 43 characters that are safe in URLs, forms and cookies (RFC 6749, 10.10).
pub(super) fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// BASE64URL(SHA256(ASCII(text))) (RFC 7636, 4.2).
pub(super) fn s256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// Whether `challenge` was made from `verifier` (RFC 7636, 4.6), whose length is checked too (4.1).
pub(super) fn verify_pkce(verifier: &str, challenge: &str) -> bool {
    (43..=128).contains(&verifier.len())
        && s256(verifier).as_bytes().ct_eq(challenge.as_bytes()).into()
}

/// SHA-256 of a secret: enough to recognise it, useless to whoever reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SecretHash([u8; 32]);

impl SecretHash {
    pub(super) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Compares digests, so the time taken shows neither the length nor the position of the first difference.
    pub(super) fn matches(&self, guess: &str) -> bool {
        self.0.ct_eq(&Self::of(guess).0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_computed_as_in_appendix_b_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(s256(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(verify_pkce(verifier, &s256(verifier)));
        assert!(!verify_pkce("short", &s256("short")) && !verify_pkce(&s256(verifier), verifier));
    }

    #[test]
    fn only_the_same_secret_matches() {
        let secret = random();
        assert_eq!(secret.len(), 43);
        assert_ne!(secret, random());
        let hash = SecretHash::of(&secret);
        assert!(hash.matches(&secret));
        assert!(!hash.matches(&secret[..42]) && !hash.matches(""));
    }
}
