//! `proofs FOLDER COUNT URL`: so many DPoP proofs for `POST URL` (RFC 9449), each after the token that is bound to its key.
//! The keys are many, because a server remembers a limited number of proofs of each.

use std::{
    env, fs,
    io::{BufWriter, Write, stdout},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

const PROOFS_OF_A_KEY: u32 = 1_000;

fn main() -> std::io::Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().expect("the folder of the issuer's key pair");
    let count: u32 = arguments.next().and_then(|text| text.parse().ok()).expect("a count");
    let url = arguments.next().expect("a URL");
    let pem = fs::read(Path::new(&folder).join("mcp_private_key.pem"))?;
    let issuer = EncodingKey::from_rsa_pem(&pem).expect("an RSA key");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let mut out = BufWriter::new(stdout());
    for first in (0..count).step_by(PROOFS_OF_A_KEY as usize) {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref())
            .expect("a key");
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (base64(x), base64(y));
        // The members in the order of RFC 7638.
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = base64(digest(&SHA256, jwk.as_bytes()).as_ref());
        let claims = json!({
            "iss": "mcp-simple-auth", "aud": "mcp-server", "sub": "user_alice",
            "iat": now, "exp": now + 24 * 3600, "preferred_username": "alice",
            "scope": "mcp:read mcp:tools", "roles": ["user"], "cnf": {"jkt": thumbprint},
        });
        let header = Header { kid: Some("mcp-key-1".to_owned()), ..Header::new(Algorithm::RS256) };
        let token = encode(&header, &claims, &issuer).expect("a token");
        let ath = base64(digest(&SHA256, token.as_bytes()).as_ref());
        let header = Header {
            typ: Some("dpop+jwt".to_owned()),
            jwk: Some(serde_json::from_str(&jwk).expect("a JWK")),
            ..Header::new(Algorithm::ES256)
        };
        let key = EncodingKey::from_ec_der(pkcs8.as_ref());
        for number in first..count.min(first + PROOFS_OF_A_KEY) {
            let jti = format!("{now}-{number}");
            let claims = json!({"jti": jti, "htm": "POST", "htu": url, "iat": now, "ath": ath});
            writeln!(out, "{token} {}", encode(&header, &claims, &key).expect("a proof"))?;
        }
    }
    out.flush()
}
