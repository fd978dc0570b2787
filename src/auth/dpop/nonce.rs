//! Nonces without memory: a time, and a MAC over it (RFC 9449, 8 and 9).

use aws_lc_rs::{hmac, rand::SystemRandom};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// How long a nonce is valid, in seconds.
const LIFETIME: u64 = 300;

#[derive(Debug)]
pub(super) struct Nonces(hmac::Key);

impl Nonces {
    pub(super) fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Self(key.expect("the system's random numbers"))
    }

    pub(super) fn issue(&self, now: u64) -> String {
        let time = now.to_be_bytes();
        let mac = hmac::sign(&self.0, &time);
        URL_SAFE_NO_PAD.encode([&time, mac.as_ref()].concat())
    }

    pub(super) fn is_valid(&self, nonce: &str, now: u64) -> bool {
        let bytes = URL_SAFE_NO_PAD.decode(nonce).unwrap_or_default();
        let Some((time, mac)) = bytes.split_first_chunk::<8>() else {
            return false;
        };
        let issued = u64::from_be_bytes(*time);
        let fresh = issued <= now && now < issued.saturating_add(LIFETIME);
        fresh && hmac::verify(&self.0, time, mac).is_ok()
    }
}
