//! Keys of every type that a provider may have, and tokens signed with them.

use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode};
use serde_json::{Value, json};

use crate::auth::keys::KeyPair;

/// A key of a provider: its private half, and the public one as a JWK without `alg`, as many providers write it.
///
/// # Panics
/// Its methods panic when a key cannot be generated, or when claims cannot be serialized.
#[derive(Clone)]
pub struct SigningKey {
    /// The algorithm of its signatures.
    pub algorithm: Algorithm,
    /// The public half.
    pub jwk: Value,
    private: EncodingKey,
}

// Making an RSA key takes a good part of a second.
static RSA: LazyLock<[(EncodingKey, Value); 2]> = LazyLock::new(|| {
    [(), ()].map(|()| {
        let folder = tempfile::tempdir().expect("a folder");
        let pair = KeyPair::create(folder.path()).expect("a key pair");
        let pem = std::fs::read(folder.path().join("mcp_private_key.pem")).expect("a file");
        let jwks = serde_json::to_value(pair.jwks()).expect("a document");
        (EncodingKey::from_rsa_pem(&pem).expect("a key"), jwks["keys"][0].clone())
    })
});

impl SigningKey {
    /// A key for this algorithm under this name.
    pub fn new(algorithm: Algorithm, kid: &str) -> Self {
        let mut key = match algorithm {
            Algorithm::ES256 => Self::ec(algorithm, &ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
            Algorithm::ES384 => Self::ec(algorithm, &ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
            Algorithm::EdDSA => Self::ed25519(),
            _ => Self::rsa(algorithm, 0),
        };
        key.jwk["kid"] = kid.into();
        key
    }

    /// Another RSA key than [`SigningKey::new`] gives, under this name.
    pub fn other(kid: &str) -> Self {
        let mut key = Self::rsa(Algorithm::RS256, 1);
        key.jwk["kid"] = kid.into();
        key
    }

    fn rsa(algorithm: Algorithm, which: usize) -> Self {
        let (private, jwk) = RSA[which].clone();
        let jwk = json!({"kty": "RSA", "use": "sig", "n": jwk["n"], "e": jwk["e"]});
        Self { algorithm, private, jwk }
    }

    fn ec(algorithm: Algorithm, curve: &'static EcdsaSigningAlgorithm, name: &str) -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(curve, &SystemRandom::new()).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(curve, document.as_ref()).expect("a key");
        // 4 (uncompressed), x, y
        let point = &pair.public_key().as_ref()[1..];
        let [x, y] = [0, 1].map(|half| {
            URL_SAFE_NO_PAD.encode(&point[half * point.len() / 2..][..point.len() / 2])
        });
        let jwk = json!({"kty": "EC", "use": "sig", "crv": name, "x": x, "y": y});
        Self { algorithm, private: EncodingKey::from_ec_der(document.as_ref()), jwk }
    }

    fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a key");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let jwk = json!({"kty": "OKP", "use": "sig", "crv": "Ed25519", "x": x});
        let private = EncodingKey::from_ed_der(document.as_ref());
        Self { algorithm: Algorithm::EdDSA, private, jwk }
    }

    /// The same key with one more member in its JWK.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.jwk[member] = value.into();
        self
    }

    /// A header that names this key.
    pub fn header(&self) -> Header {
        Header { kid: self.jwk["kid"].as_str().map(str::to_owned), ..Header::new(self.algorithm) }
    }

    /// A token with a header that names this key.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    /// A token with this very header.
    pub fn sign_as(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.private).expect("a token")
    }

    /// A valid signature over this header and these claims, byte for byte, whatever they are.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = [header, claims].map(|text| URL_SAFE_NO_PAD.encode(text)).join(".");
        let signature = crypto::sign(message.as_bytes(), &self.private, self.algorithm);
        format!("{message}.{}", signature.expect("a signature"))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("jwk", &self.jwk).finish_non_exhaustive()
    }
}
