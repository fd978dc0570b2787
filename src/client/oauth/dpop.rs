//! Demonstrating Proof of Possession (DPoP): a token that is bound to a key and worthless without it.
//!
//! Specs: RFC 9449 sections 4 (the proof), 7 (at the resource), 8 and 9 (nonces), 10 (`dpop_jkt`); RFC 7638 (thumbprint).

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters,
        EllipticCurveKeyType, Jwk, ThumbprintHash,
    },
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::client::{
    context::{
        credentials::{secret::Secret, unix_now},
        error::ClientError,
    },
    oauth::authorization::pkce,
};

/// A P-256 key pair for proofs.
#[derive(Clone)]
pub(crate) struct ProofKey {
    pkcs8: Vec<u8>,
    signer: EncodingKey,
    public: Jwk,
}

impl ProofKey {
    pub(crate) fn generate() -> Result<Self, ClientError> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(cannot_sign)?;
        Self::new(key.to_pkcs8v1().map_err(cannot_sign)?.as_ref())
    }

    /// Reads what [`ProofKey::export`] returned.
    pub(crate) fn import(exported: &Secret) -> Result<Self, ClientError> {
        Self::new(&URL_SAFE_NO_PAD.decode(exported.expose()).map_err(cannot_sign)?)
    }

    /// The private key, as it is stored with the token.
    pub(crate) fn export(&self) -> Secret {
        Secret::from(URL_SAFE_NO_PAD.encode(&self.pkcs8))
    }

    fn new(pkcs8: &[u8]) -> Result<Self, ClientError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(cannot_sign)?;
        // An uncompressed point: 4, x, y (SEC 1, 2.3.3).
        let point = pair.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..65]);
        let public = Jwk {
            common: CommonParameters::default(),
            algorithm: AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                key_type: EllipticCurveKeyType::EC,
                curve: EllipticCurve::P256,
                x: URL_SAFE_NO_PAD.encode(x),
                y: URL_SAFE_NO_PAD.encode(y),
            }),
        };
        Ok(Self { signer: EncodingKey::from_ec_der(pkcs8), pkcs8: pkcs8.to_vec(), public })
    }

    /// The thumbprint: `dpop_jkt` of an authorization request.
    pub(crate) fn thumbprint(&self) -> Result<String, ClientError> {
        self.public.thumbprint(ThumbprintHash::SHA256).map_err(cannot_sign)
    }

    /// A proof for one request, bound to the token that the request carries, if any.
    pub(crate) fn proof(
        &self,
        method: &str,
        url: &str,
        nonce: Option<String>,
        token: Option<&Secret>,
    ) -> Result<String, ClientError> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.public.clone());
        let claims = Proof {
            jti: pkce::random(),
            htm: method,
            // Without query and fragment (RFC 9449, 4.2).
            htu: url.split(['?', '#']).next().unwrap_or(url),
            iat: unix_now(),
            nonce,
            ath: token.map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose()))),
        };
        jsonwebtoken::encode(&header, &claims, &self.signer).map_err(cannot_sign)
    }
}

fn cannot_sign(why: impl fmt::Display) -> ClientError {
    ClientError::Key(why.to_string())
}

#[derive(Serialize)]
struct Proof<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_proof_is_bound_to_the_request_the_token_and_the_key() {
        let key = ProofKey::import(&ProofKey::generate().unwrap().export()).unwrap();
        let token = Secret::from("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU".to_owned());
        let proof =
            key.proof("POST", "https://h/mcp?x=1", Some("n".to_owned()), Some(&token)).unwrap();
        let header = decode_header(&proof).unwrap();
        assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let jwk = DecodingKey::from_jwk(&header.jwk.unwrap()).unwrap();
        let claims = decode::<Value>(&proof, &jwk, &validation).unwrap().claims;
        assert_eq!((&claims["htm"], &claims["htu"]), (&"POST".into(), &"https://h/mcp".into()));
        // RFC 9449, 7.1: the hash of the token of its example.
        assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        assert_eq!(claims["nonce"], "n");
    }
}
