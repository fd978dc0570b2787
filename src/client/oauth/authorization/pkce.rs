//! Proof Key for Code Exchange (PKCE): only the client that requested a code can exchange it.
//!
//! Specs: RFC 7636 sections 4.1 (43 to 128 characters, high entropy) and 4.2 (S256).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::Rng;
use sha2::{Digest, Sha256};

use crate::client::context::credentials::secret::Secret;

/// A verifier, which stays here until the code is exchanged, and its challenge, which goes into the authorization request.
#[derive(Debug)]
pub(crate) struct Pkce {
    pub(crate) verifier: Secret,
    pub(crate) challenge: String,
}

impl Pkce {
    pub(crate) fn new() -> Self {
        Self::from_verifier(random())
    }

    fn from_verifier(verifier: String) -> Self {
        Self {
            challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier)),
            verifier: verifier.into(),
        }
    }
}

/// 256 random bits in 43 characters that are safe in URLs.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        // RFC 7636, appendix B.
        let pkce = Pkce::from_verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        assert_eq!(pkce.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn verifiers_are_long_enough_and_random() {
        let (a, b) = (random(), random());
        assert_eq!(a.len(), 43);
        assert_ne!(a, b);
        assert!(a.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}
