//! Message authentication codes: how the server recognizes a value that it issued without storing it.
//!
//! Specs: RFC 2104 (HMAC), RFC 5869 (HKDF). Without a secret the key is random and never leaves the process, so a restart
//! invalidates what was issued. With one, the key is derived from it, and replicas accept each other's values.

use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Salt},
    hmac::{self, HMAC_SHA256},
};

/// The length of a code (`tag`), in bytes.
pub(super) const TAG_BYTES: usize = 32;

/// The key for all values of one purpose.
pub(super) struct MacKey(hmac::Key);

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey")
    }
}

impl Default for MacKey {
    fn default() -> Self {
        Self(hmac::Key::new(HMAC_SHA256, &random::<TAG_BYTES>()))
    }
}

impl MacKey {
    /// The key for one purpose, derived from `secret` where there is one.
    pub(super) fn new(secret: Option<&str>, purpose: &str) -> Self {
        let Some(secret) = secret else { return Self::default() };
        let derived =
            Salt::new(HKDF_SHA256, b"mcp-auth-step-by-step mac").extract(secret.as_bytes());
        let purpose = [purpose.as_bytes()];
        let key = derived.expand(&purpose, HMAC_SHA256).expect("one key is not too much to expand");
        Self(key.into())
    }

    /// The tag over these parts.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> [u8; TAG_BYTES] {
        let tag = hmac::sign(&self.0, &length_prefixed(parts));
        tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Whether this is the tag over these parts, in constant time.
    pub(super) fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        hmac::verify(&self.0, &length_prefixed(parts), tag).is_ok()
    }
}

/// Each part after its length, so that no two lists of parts are signed alike.
fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let prefixed = parts.iter().flat_map(|part| {
        let length = (part.len() as u64).to_be_bytes();
        length.into_iter().chain(part.iter().copied())
    });
    prefixed.collect()
}

/// Unpredictable bytes. Not from aws-lc, which measures the jitter of the machine before its first ones: 35 ms of every
/// start.
pub(super) fn random<const N: usize>() -> [u8; N] {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_verifies_for_its_parts_and_its_key_alone() {
        let key = MacKey::default();
        let tag = key.sign(&[b"ab", b"c"]);
        assert!(key.verify(&[b"ab", b"c"], &tag));
        for parts in [&[&b"a"[..], b"bc"][..], &[b"abc"], &[b"ab", b"c", b""], &[]] {
            assert!(!key.verify(parts, &tag), "{parts:?}");
        }
        assert!(!key.verify(&[b"ab", b"c"], &tag[1..]));
        assert!(!MacKey::default().verify(&[b"ab", b"c"], &tag));
        assert_ne!(random::<16>(), random::<16>());
    }

    #[test]
    fn a_secret_gives_one_key_for_each_purpose() {
        let tag = MacKey::new(Some("s3cret"), "sessions").sign(&[b"a"]);
        assert!(MacKey::new(Some("s3cret"), "sessions").verify(&[b"a"], &tag));
        for (secret, purpose) in
            [(Some("s3cret"), "confirmations"), (Some("other"), "sessions"), (None, "sessions")]
        {
            assert!(!MacKey::new(secret, purpose).verify(&[b"a"], &tag), "{secret:?} {purpose}");
        }
    }
}
