//! Tokens with the right claims and a wrong signature.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{
    OURS, UNTRUSTED, app, authenticate, each,
    forge::{Algorithm, HEADER, hs256, message},
    set,
    support::{self, public_pem},
    with,
};

const INVALID: Result<&str, &str> = Err("Invalid token");

#[tokio::test]
async fn the_key_determines_the_algorithm() {
    let claims = with(|_| {});
    let alg = |alg: &str| format!(r#"{{"alg":"{alg}","kid":"mcp-key-1","typ":"JWT"}}"#);
    let unsigned = |header: &str| format!("{}.", message(header, &claims.to_string()));
    let modulus = serde_json::to_value(support::key_pair().jwks()).expect("JSON");
    let modulus = modulus["keys"][0]["n"].as_str().expect("n").to_owned();
    let modulus_bytes = URL_SAFE_NO_PAD.decode(&modulus).expect("base64url");
    each(vec![
        ("none", unsigned(&alg("none")), INVALID),
        ("None", unsigned(&alg("None")), INVALID),
        ("NONE, with a signature", OURS.rs256(&alg("NONE"), &claims), INVALID),
        (
            "HS256 with the public PEM as the secret",
            hs256(public_pem().as_bytes(), &alg("HS256"), &claims),
            INVALID,
        ),
        (
            "the same without the last line feed",
            hs256(public_pem().trim_end().as_bytes(), &alg("HS256"), &claims),
            INVALID,
        ),
        (
            "HS256 with the modulus as the secret",
            hs256(modulus.as_bytes(), &alg("HS256"), &claims),
            INVALID,
        ),
        (
            "HS256 with the bytes of the modulus",
            hs256(&modulus_bytes, &alg("HS256"), &claims),
            INVALID,
        ),
        ("HS256 with an empty secret", hs256(b"", &alg("HS256"), &claims), INVALID),
        (
            "an HMAC that claims to be RS256",
            hs256(public_pem().as_bytes(), &alg("RS256"), &claims),
            INVALID,
        ),
        ("RS384, well signed", OURS.sign(Algorithm::Rs384, &alg("RS384"), &claims), INVALID),
        ("RS512, well signed", OURS.sign(Algorithm::Rs512, &alg("RS512"), &claims), INVALID),
        ("PS256, well signed", OURS.sign(Algorithm::Ps256, &alg("PS256"), &claims), INVALID),
        (
            "RS384 that claims to be RS256",
            OURS.sign(Algorithm::Rs384, &alg("RS256"), &claims),
            INVALID,
        ),
        ("rs256", OURS.rs256(&alg("rs256"), &claims), INVALID),
        ("ES256", OURS.rs256(&alg("ES256"), &claims), INVALID),
        ("EdDSA", OURS.rs256(&alg("EdDSA"), &claims), INVALID),
        ("no alg", OURS.rs256(r#"{"kid":"mcp-key-1","typ":"JWT"}"#, &claims), INVALID),
        ("alg is null", OURS.rs256(r#"{"alg":null,"typ":"JWT"}"#, &claims), INVALID),
        ("alg is a list", OURS.rs256(r#"{"alg":["RS256"],"typ":"JWT"}"#, &claims), INVALID),
    ])
    .await;
}

#[tokio::test]
async fn an_untrusted_key_stays_untrusted_whatever_the_header_says() {
    let claims = with(|_| {});
    let keys = serde_json::to_value(UNTRUSTED.0.jwks()).expect("JSON");
    let signed = |header: serde_json::Value| UNTRUSTED.1.rs256(&header.to_string(), &claims);
    each(vec![
        ("another key under our kid", UNTRUSTED.1.token(&claims), INVALID),
        ("without a kid", signed(json!({"alg": "RS256"})), INVALID),
        (
            "with its own jwk inside",
            signed(json!({"alg": "RS256", "jwk": keys["keys"][0]})),
            INVALID,
        ),
        (
            "with a jku",
            signed(json!({"alg": "RS256", "jku": "http://127.0.0.1:1/jwks.json"})),
            INVALID,
        ),
        (
            "with an x5u",
            signed(json!({"alg": "RS256", "x5u": "http://127.0.0.1:1/x.pem"})),
            INVALID,
        ),
        ("with an x5c", signed(json!({"alg": "RS256", "x5c": ["MIIB"]})), INVALID),
        (
            "with a path for a kid",
            signed(json!({"alg": "RS256", "kid": "../../../dev/null"})),
            INVALID,
        ),
        ("with a number for a kid", signed(json!({"alg": "RS256", "kid": 1})), INVALID),
        // The issuer decides which keys are tried (RFC 8725, 3.8), and this one has none here.
        (
            "an untrusted issuer of its own",
            UNTRUSTED.1.token(&set("iss", json!("evil"))),
            Err("Invalid token issuer"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_modified_token_is_rejected() {
    let good = OURS.token(&with(|_| {}));
    let other = OURS.token(&with(|c| c["preferred_username"] = json!("bob")));
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let other_signature = other.rsplit('.').next().expect("a signature");
    let flip = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("ASCII")
    };
    let admin = URL_SAFE_NO_PAD.encode(with(|c| c["roles"] = json!(["admin"])).to_string());
    let mut rows = vec![
        ("signature stripped", format!("{header}.{payload}."), INVALID),
        ("signature left out", format!("{header}.{payload}"), INVALID),
        ("signature cut short", good[..good.len() - 4].to_owned(), INVALID),
        ("signature of another token", format!("{header}.{payload}.{other_signature}"), INVALID),
        (
            "signature altered at its start",
            format!("{header}.{payload}.{}", flip(signature, 0)),
            INVALID,
        ),
        (
            "signature altered in the middle",
            format!("{header}.{payload}.{}", flip(signature, 170)),
            INVALID,
        ),
        ("signature with padding", format!("{good}=="), INVALID),
        ("signature with a tail", format!("{good}AAAA"), INVALID),
        ("payload altered", format!("{header}.{}.{signature}", flip(payload, 20)), INVALID),
        ("payload with another role", format!("{header}.{admin}.{signature}"), INVALID),
        ("header altered", format!("{}.{payload}.{signature}", flip(header, 30)), INVALID),
        ("four parts", format!("{good}.x"), INVALID),
        ("five parts, as an encrypted one has", format!("{good}.x.y"), INVALID),
        ("only dots", "..".to_owned(), INVALID),
        ("one word", "garbage".to_owned(), INVALID),
        ("a tab before it", format!("\t{good}"), INVALID),
        ("a blank inside", format!("{header} .{payload}.{signature}"), INVALID),
        ("standard base64", format!("{}+/.{payload}.{signature}", &header[..8]), INVALID),
    ];
    // First, so that its cache entry is there to be abused.
    rows.insert(0, ("untouched", good.clone(), Ok("alice")));
    // `1*SP` of RFC 6750, 2.1
    rows.push(("a second space before it", format!(" {good}"), Ok("alice")));
    each(rows).await;
}

#[tokio::test]
async fn every_header_parameter_must_be_unique_and_understood() {
    let claims = with(|_| {});
    let ours = |header: &str| OURS.rs256(header, &claims);
    let plus = |member: &str| ours(&HEADER.replace('}', &format!(",{member}}}")));
    each(vec![
        ("an unknown extension is critical", plus(r#""crit":["x"],"x":1"#), INVALID),
        ("exp is critical", plus(r#""crit":["exp"],"exp":1"#), INVALID),
        ("an empty list of critical extensions", plus(r#""crit":[]"#), INVALID),
        ("crit is null", plus(r#""crit":null"#), INVALID),
        ("an unencoded payload", plus(r#""crit":["b64"],"b64":false"#), INVALID),
        ("alg twice", plus(r#""alg":"RS256""#), INVALID),
        ("alg twice, once none", plus(r#""alg":"none""#), INVALID),
        ("kid twice", plus(r#""kid":"mcp-key-1""#), INVALID),
        ("an unknown parameter twice", plus(r#""x":1,"x":2"#), INVALID),
        ("the typ of an ID token", ours(r#"{"alg":"RS256","typ":"id_token+jwt"}"#), INVALID),
        ("the typ of a logout token", ours(r#"{"alg":"RS256","typ":"logout+jwt"}"#), INVALID),
        ("the typ of a proof", ours(r#"{"alg":"RS256","typ":"dpop+jwt"}"#), INVALID),
        ("the header is a list", ours(r#"["RS256"]"#), INVALID),
        ("the header is no JSON", ours("{"), INVALID),
        ("the header is empty", ours(""), INVALID),
    ])
    .await;
}

#[tokio::test]
async fn a_token_may_be_as_large_as_the_header_limit_allows() {
    let app = app();
    let padded = |bytes: usize| OURS.token(&set("padding", json!("x".repeat(bytes))));
    // Entra's with 200 groups has 11 kB. The HTTP server limits headers, see `faults/limits.rs`.
    for bytes in [4_000, 11_000, 300_000] {
        assert_eq!(authenticate(&app, &padded(bytes)).await.as_deref(), Ok("alice"), "{bytes}");
    }
    for token in ["a".repeat(1_000_000), ".".repeat(1_000_000)] {
        assert_eq!(authenticate(&app, &token).await, Err("Invalid token".to_owned()));
    }
}
