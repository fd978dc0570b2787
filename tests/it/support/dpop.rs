//! Proofs of possession (RFC 9449), as a client makes them.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The P-256 key of a client.
pub(crate) struct ProofKey(EcdsaKeyPair);

impl ProofKey {
    pub(crate) fn generate() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn coordinates(&self) -> [String; 2] {
        let point = self.0.public_key().as_ref();
        [&point[1..33], &point[33..65]].map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
    }

    /// RFC 7638.
    pub(crate) fn thumbprint(&self) -> String {
        let [x, y] = self.coordinates();
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(Sha256::digest(jwk))
    }

    /// A proof with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let [x, y] = self.coordinates();
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let message = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = message.join(".");
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A fresh proof for one request, with an access token or without.
    pub(crate) fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        let ath = token.map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token)));
        let jti = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let mut claims = json!({"jti": jti, "iat": super::now(), "htm": method, "htu": url});
        if let Some(ath) = ath {
            claims["ath"] = ath.into();
        }
        self.sign(&claims)
    }
}
