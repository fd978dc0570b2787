//! Seals: what this server gives out today and must recognize tomorrow, without keeping it.
//!
//! Rules: RFC 2104 (HMAC), RFC 5869 (HKDF). The key is made at the start and never leaves the process, so a restart
//! breaks all seals; or it is derived from a secret that replicas share, and each knows the seals of the others.

use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Salt},
    hmac::{self, HMAC_SHA256},
};

/// The length of a seal, in bytes.
pub(super) const LENGTH: usize = 32;

/// The key of all seals of one kind.
pub(super) struct Seal(hmac::Key);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Default for Seal {
    fn default() -> Self {
        Self(hmac::Key::new(HMAC_SHA256, &random::<LENGTH>()))
    }
}

impl Seal {
    /// Seals of one purpose, from a secret where there is one.
    pub(super) fn new(secret: Option<&str>, purpose: &str) -> Self {
        let Some(secret) = secret else { return Self::default() };
        let derived =
            Salt::new(HKDF_SHA256, b"mcp-auth-step-by-step seal").extract(secret.as_bytes());
        let purpose = [purpose.as_bytes()];
        let key = derived.expand(&purpose, HMAC_SHA256).expect("one key is not too much to expand");
        Self(key.into())
    }

    /// The seal over these parts.
    pub(super) fn over(&self, parts: &[&[u8]]) -> [u8; LENGTH] {
        let tag = hmac::sign(&self.0, &framed(parts));
        tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Whether this is the seal over these parts, in constant time.
    pub(super) fn holds(&self, parts: &[&[u8]], seal: &[u8]) -> bool {
        hmac::verify(&self.0, &framed(parts), seal).is_ok()
    }
}

/// Each part behind its length, so that no two lists of parts look the same.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let framed = parts.iter().flat_map(|part| {
        let length = (part.len() as u64).to_be_bytes();
        length.into_iter().chain(part.iter().copied())
    });
    framed.collect()
}

/// Random bytes that nobody can guess. Not by aws-lc, which measures the jitter of the machine before it gives its
/// first ones: 35 ms of every start.
pub(super) fn random<const N: usize>() -> [u8; N] {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_for_its_parts_and_its_key_alone() {
        let seal = Seal::default();
        let tag = seal.over(&[b"ab", b"c"]);
        assert!(seal.holds(&[b"ab", b"c"], &tag));
        for parts in [&[&b"a"[..], b"bc"][..], &[b"abc"], &[b"ab", b"c", b""], &[]] {
            assert!(!seal.holds(parts, &tag), "{parts:?}");
        }
        assert!(!seal.holds(&[b"ab", b"c"], &tag[1..]));
        assert!(!Seal::default().holds(&[b"ab", b"c"], &tag));
        assert_ne!(random::<16>(), random::<16>());
    }

    #[test]
    fn whoever_knows_the_secret_knows_the_seals_of_one_purpose() {
        let tag = Seal::new(Some("s3cret"), "sessions").over(&[b"a"]);
        assert!(Seal::new(Some("s3cret"), "sessions").holds(&[b"a"], &tag));
        for (secret, purpose) in
            [(Some("s3cret"), "questions"), (Some("other"), "sessions"), (None, "sessions")]
        {
            assert!(!Seal::new(secret, purpose).holds(&[b"a"], &tag), "{secret:?} {purpose}");
        }
    }
}
