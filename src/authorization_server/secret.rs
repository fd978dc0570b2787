//! Values that nobody can guess, and comparisons that do not tell how close a guess was.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits as 43 characters that are safe in URLs, forms and cookies (RFC 6749, 10.10).
pub(super) fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// BASE64URL(SHA256(ASCII(text))), as RFC 7636, 4.2 has it.
pub(super) fn s256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// Whether `verifier` is the one that `challenge` was made of (RFC 7636, 4.6).
pub(super) fn answers(verifier: &str, challenge: &str) -> bool {
    s256(verifier).as_bytes().ct_eq(challenge.as_bytes()).into()
}

/// What is kept of a secret: enough to know it again, useless to whoever reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Compares digests, so neither the length nor the place of the first difference shows in the time taken.
    pub(super) fn matches(&self, guess: &str) -> bool {
        self.0.ct_eq(&Self::of(guess).0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_computed_as_in_the_appendix_of_rfc_7636() {
        assert_eq!(
            s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn only_the_same_secret_matches_and_no_two_are_alike() {
        let secret = random();
        assert_eq!(secret.len(), 43);
        assert_ne!(secret, random());
        let kept = Fingerprint::of(&secret);
        assert!(kept.matches(&secret));
        assert!(!kept.matches(&secret[..42]) && !kept.matches(""));
    }
}
