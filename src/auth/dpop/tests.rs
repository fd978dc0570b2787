use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::http::HeaderValue;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    BoundToken, DPOP, DpopError, DpopVerifier, Method, nonce::Nonces, proof::Proof,
    replay::UsedProofs,
};

const NOW: u64 = 1_800_000_000;
const TOKEN: &str = "a.b.c";

/// A key of a client, which signs whatever it is given.
struct ClientKey {
    key: EcdsaKeyPair,
    jwk: Value,
    thumbprint: String,
}

impl ClientKey {
    fn generate() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = key.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..65]].map(|n| URL_SAFE_NO_PAD.encode(n));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical));
        Self { key, jwk: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}), thumbprint }
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk})
    }

    fn sign(&self, header: &impl ToString, claims: &impl ToString) -> String {
        let parts = [header.to_string(), claims.to_string()].map(|p| URL_SAFE_NO_PAD.encode(p));
        let message = parts.join(".");
        let random = aws_lc_rs::rand::SystemRandom::new();
        let signature = self.key.sign(&random, message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Claims of a proof for `POST https://gw.example.com/team-a/mcp`; each call has another jti.
fn claims() -> Value {
    let mut jti = [0; 16];
    aws_lc_rs::rand::fill(&mut jti).unwrap();
    json!({
        "jti": URL_SAFE_NO_PAD.encode(jti), "iat": NOW, "htm": "POST",
        "htu": "https://gw.example.com/team-a/mcp",
        "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN)),
    })
}

fn with(mut object: Value, member: &str, value: impl Into<Value>) -> Value {
    object[member] = value.into();
    object
}

fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().shift_remove(member);
    object
}

fn verifier() -> DpopVerifier {
    DpopVerifier::new("https://gw.example.com/team-a")
}

fn verify(dpop: &DpopVerifier, key: &ClientKey, proofs: &[&str]) -> Result<(), DpopError> {
    let headers = proofs.iter().map(|proof| (DPOP, HeaderValue::from_str(proof).unwrap()));
    let bound = BoundToken { token: TOKEN, thumbprint: &key.thumbprint };
    let thumbprint = dpop.verify_at(&headers.collect(), &Method::POST, "/mcp", Some(bound), NOW)?;
    assert_eq!(thumbprint, key.thumbprint);
    Ok(())
}

#[test]
fn each_wrong_proof_is_rejected_for_its_reason() {
    let key = ClientKey::generate();
    let other = ClientKey::generate();
    let proof = |claims: Value| key.sign(&key.header(), &claims);
    let header = |header: Value| key.sign(&header, &claims());
    let jwk = |jwk: Value| header(with(key.header(), "jwk", jwk));
    let valid = proof(claims());
    let [_, payload, signature] = valid.split('.').collect::<Vec<_>>().try_into().unwrap();
    let duplicate = r#"{"jti":"1","jti":"2","iat":1800000000,"htm":"POST","htu":"https://h/"}"#;
    let secret = json!({"kty": "oct", "k": "c2VjcmV0"});
    for (name, proof, expected) in [
        ("valid", valid.clone(), Ok(())),
        ("typ in capitals", header(with(key.header(), "typ", "DPoP+JWT")), Ok(())),
        (
            "query in htu",
            proof(with(claims(), "htu", "https://gw.example.com/team-a/mcp?a#b")),
            Ok(()),
        ),
        (
            "other spelling of htu",
            proof(with(claims(), "htu", "HTTPS://GW.example.com:443/team-a/mcp")),
            Ok(()),
        ),
        (
            "htu with a trailing slash",
            proof(with(claims(), "htu", "https://gw.example.com/team-a/mcp/")),
            Ok(()),
        ),
        ("fractions of a second", proof(with(claims(), "iat", 1_800_000_000.5)), Ok(())),
        ("60 s old", proof(with(claims(), "iat", NOW - 60)), Ok(())),
        ("15 s ahead", proof(with(claims(), "iat", NOW + 15)), Ok(())),
        ("61 s old", proof(with(claims(), "iat", NOW - 61)), Err(DpopError::NotNow)),
        ("16 s ahead", proof(with(claims(), "iat", NOW + 16)), Err(DpopError::NotNow)),
        ("at the end of time", proof(with(claims(), "iat", u64::MAX)), Err(DpopError::NotNow)),
        ("iat negative", proof(with(claims(), "iat", -1)), Err(DpopError::Malformed)),
        ("iat text", proof(with(claims(), "iat", "now")), Err(DpopError::Malformed)),
        ("no iat", proof(without(claims(), "iat")), Err(DpopError::Malformed)),
        ("no jti", proof(without(claims(), "jti")), Err(DpopError::Malformed)),
        ("no htm", proof(without(claims(), "htm")), Err(DpopError::Malformed)),
        ("no htu", proof(without(claims(), "htu")), Err(DpopError::Malformed)),
        ("duplicate jti", key.sign(&key.header(), &duplicate), Err(DpopError::Malformed)),
        ("htm GET", proof(with(claims(), "htm", "GET")), Err(DpopError::WrongMethod)),
        ("htm post", proof(with(claims(), "htm", "post")), Err(DpopError::WrongMethod)),
        (
            "htu behind the proxy",
            proof(with(claims(), "htu", "http://localhost:9000/mcp")),
            Err(DpopError::WrongUrl),
        ),
        (
            "htu by http",
            proof(with(claims(), "htu", "http://gw.example.com/team-a/mcp")),
            Err(DpopError::WrongUrl),
        ),
        (
            "htu with another path",
            proof(with(claims(), "htu", "https://gw.example.com/mcp")),
            Err(DpopError::WrongUrl),
        ),
        ("htu no URL", proof(with(claims(), "htu", "/mcp")), Err(DpopError::WrongUrl)),
        ("no ath", proof(without(claims(), "ath")), Err(DpopError::WrongToken)),
        (
            "ath of another token",
            proof(with(claims(), "ath", "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo")),
            Err(DpopError::WrongToken),
        ),
        ("another key", other.sign(&other.header(), &claims()), Err(DpopError::WrongKey)),
        (
            "signed by another key",
            other.sign(&key.header(), &claims()),
            Err(DpopError::InvalidSignature),
        ),
        ("typ JWT", header(with(key.header(), "typ", "JWT")), Err(DpopError::WrongType)),
        ("no typ", header(without(key.header(), "typ")), Err(DpopError::Malformed)),
        ("crit", header(with(key.header(), "crit", json!(["b64"]))), Err(DpopError::Malformed)),
        ("alg none", header(with(key.header(), "alg", "none")), Err(DpopError::Malformed)),
        ("alg HS256", header(with(key.header(), "alg", "HS256")), Err(DpopError::UnsupportedKey)),
        (
            "alg of another key type",
            header(with(key.header(), "alg", "RS256")),
            Err(DpopError::UnsupportedKey),
        ),
        ("no jwk", header(without(key.header(), "jwk")), Err(DpopError::Malformed)),
        ("private jwk", jwk(with(key.jwk.clone(), "d", "AQAB")), Err(DpopError::UnsupportedKey)),
        ("symmetric jwk", jwk(secret), Err(DpopError::UnsupportedKey)),
        (
            "jwk for encryption",
            jwk(with(key.jwk.clone(), "use", "enc")),
            Err(DpopError::UnsupportedKey),
        ),
        (
            "no signature",
            format!("{}.{payload}.", valid.split('.').next().unwrap()),
            Err(DpopError::InvalidSignature),
        ),
        ("two parts", format!("{payload}.{signature}"), Err(DpopError::Malformed)),
        ("no JWT", "proof".to_owned(), Err(DpopError::Malformed)),
    ] {
        assert_eq!(verify(&verifier(), &key, &[&proof]), expected, "{name}");
    }
    assert_eq!(verify(&verifier(), &key, &[]), Err(DpopError::Missing));
    assert_eq!(verify(&verifier(), &key, &[&valid, &valid]), Err(DpopError::DuplicateHeader));
}

#[test]
fn a_proof_works_once_even_with_another_signature() {
    let (key, dpop) = (ClientKey::generate(), verifier());
    let claims = claims();
    // ECDSA signatures are random: the two proofs differ.
    let proofs = [key.sign(&key.header(), &claims), key.sign(&key.header(), &claims)];
    assert_ne!(proofs[0], proofs[1]);
    assert_eq!(verify(&dpop, &key, &[&proofs[0]]), Ok(()));
    assert_eq!(verify(&dpop.clone(), &key, &[&proofs[0]]), Err(DpopError::Replayed));
    assert_eq!(verify(&dpop, &key, &[&proofs[1]]), Err(DpopError::Replayed));
    let other = ClientKey::generate();
    let proof = other.sign(&other.header(), &claims);
    assert_eq!(verify(&dpop, &other, &[&proof]), Ok(()), "the jti of another client");
}

#[test]
fn a_full_memory_rejects_old_proofs_and_never_a_replay_passes() {
    let mut used = UsedProofs::new(3);
    // Each of another key.
    let proofs: Vec<_> = (0..4).map(|second| proof(&ClientKey::generate(), NOW + second)).collect();
    for proof in &proofs {
        assert_eq!(used.insert(proof, NOW + 3), Ok(()));
    }
    let other = |iat| proof(&ClientKey::generate(), iat);
    assert_eq!(used.insert(&proofs[0], NOW + 3), Err(DpopError::NotNow), "forgotten");
    assert_eq!(used.insert(&proofs[1], NOW + 3), Err(DpopError::Replayed));
    assert_eq!(used.insert(&other(NOW), NOW + 3), Err(DpopError::NotNow), "as old");
    assert_eq!(used.insert(&other(NOW + 3), NOW + 3), Ok(()));
}

#[test]
fn one_key_fills_its_share_of_the_memory_and_no_more() {
    let (greedy, other) = (ClientKey::generate(), ClientKey::generate());
    let mut used = UsedProofs::new(30);
    let first = proof(&other, NOW);
    assert_eq!(used.insert(&first, NOW), Ok(()));
    let proofs: Vec<_> = (0..40).map(|second| proof(&greedy, NOW + second)).collect();
    for proof in &proofs {
        assert_eq!(used.insert(proof, NOW + 40), Ok(()));
    }
    for (at, proof) in proofs.iter().enumerate() {
        let expected = if at < 37 { DpopError::NotNow } else { DpopError::Replayed };
        assert_eq!(used.insert(proof, NOW + 40), Err(expected), "{at}");
    }
    assert_eq!(used.insert(&first, NOW + 40), Err(DpopError::Replayed), "not forgotten");
    assert_eq!(used.insert(&proof(&other, NOW + 1), NOW + 40), Ok(()), "as old as those forgotten");
    // What has expired takes no memory.
    assert_eq!(used.insert(&proof(&other, NOW + 200), NOW + 200), Ok(()));
    assert_eq!(format!("{used:?}").matches("OfKey").count(), 1);
}

fn proof(key: &ClientKey, iat: u64) -> Proof {
    let proof = key.sign(&key.header(), &with(claims(), "iat", iat));
    Proof::verify_signature(&proof).unwrap()
}

#[test]
fn a_required_nonce_is_this_servers_and_recent() {
    let (key, dpop) = (ClientKey::generate(), verifier().require_nonce());
    let nonces = dpop.nonces.as_ref().unwrap();
    let proof = |nonce: &str| key.sign(&key.header(), &with(claims(), "nonce", nonce));
    let check = |proof: &str| verify(&dpop, &key, &[proof]);
    assert_eq!(check(&proof(&nonces.issue(NOW - 299))), Ok(()));
    let required = Err(DpopError::NonceRequired);
    assert_eq!(check(&proof(&nonces.issue(NOW - 300))), required, "old");
    assert_eq!(check(&proof(&nonces.issue(NOW + 1))), required, "of the future");
    assert_eq!(check(&proof(&Nonces::new().issue(NOW))), required, "of another server");
    assert_eq!(check(&proof("nonce")), required);
    assert_eq!(check(&key.sign(&key.header(), &claims())), required, "none");
    assert!(verifier().nonce().is_none());
}
