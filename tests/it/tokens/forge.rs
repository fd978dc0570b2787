//! Signatures over any bytes: what a careful library would refuse to sign is what has to be tried here.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

/// The header of an ordinary token.
pub(crate) const HEADER: &str = r#"{"alg":"RS256","kid":"mcp-key-1","typ":"JWT"}"#;

/// How to sign.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
}

/// A private key that signs whatever it is given.
pub(crate) struct Forge(KeyPair);

impl Forge {
    /// From PKCS#8 in PEM.
    pub(crate) fn new(pem: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Self(KeyPair::from_pkcs8(&STANDARD.decode(body).expect("PEM")).expect("a key"))
    }

    /// An ordinary token with these claims.
    pub(crate) fn token(&self, claims: &impl ToString) -> String {
        self.rs256(HEADER, claims)
    }

    /// RS256 over this header and these claims, both taken as they are written.
    pub(crate) fn rs256(&self, header: &str, claims: &impl ToString) -> String {
        self.sign(Algorithm::Rs256, header, claims)
    }

    /// A signature over this header and these claims, whatever algorithm the header names.
    pub(crate) fn sign(
        &self,
        algorithm: Algorithm,
        header: &str,
        claims: &impl ToString,
    ) -> String {
        let encoding: &'static dyn RsaEncoding = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_SHA512,
            Algorithm::Ps256 => &RSA_PSS_SHA256,
        };
        let message = message(header, &claims.to_string());
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("a signature");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// HS256 with any bytes as the secret.
pub(crate) fn hs256(secret: &[u8], header: &str, claims: &impl ToString) -> String {
    let message = message(header, &claims.to_string());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// Header and payload without a signature.
pub(crate) fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}
