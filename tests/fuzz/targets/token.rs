//! `Authorization`, and the header and claims of a JWT. Nobody comes in without our signature below claims that are ours.
#![no_main]

use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode, header},
};
use libfuzzer_sys::fuzz_target;
use mcp_auth_fuzz::{WORLD, unsigned};
use serde_json::Value;

fn status(authorization: &[u8]) -> Option<StatusCode> {
    let request = Request::post("/mcp")
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, HeaderValue::from_bytes(authorization).ok()?)
        .body(Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#))
        .ok()?;
    Some(WORLD.send(request).0.status)
}

fuzz_target!(init: assert!(!WORLD.token.is_empty()), |data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let (header, claims) = match data.iter().position(|&byte| byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (&b"{\"alg\":\"RS256\"}"[..], data),
    };
    match kind % 4 {
        0 => assert_ne!(status(data), Some(StatusCode::OK)),
        1 => {
            let token = unsigned(header, claims, b"not a signature");
            let answer = status(format!("Bearer {token}").as_bytes());
            assert_eq!(answer, Some(StatusCode::UNAUTHORIZED));
        }
        2 => {
            // The signature of a good token below other parts.
            let signature = WORLD.token.rsplit('.').next().expect("three parts");
            let token = unsigned(header, claims, b"");
            let answer = status(format!("Bearer {token}{signature}").as_bytes());
            assert_eq!(answer, Some(StatusCode::UNAUTHORIZED));
        }
        _ => {
            let Some(token) = WORLD.sign(claims) else { return };
            if status(format!("Bearer {token}").as_bytes()) == Some(StatusCode::OK) {
                let claims: Value = serde_json::from_slice(claims).expect("it was signed");
                assert!(["mcp-simple-auth", "http://localhost:9000"].iter().any(|iss| claims["iss"] == *iss));
                assert!(!claims["aud"].is_null() && !claims["exp"].is_null(), "{claims}");
            }
        }
    }
});
