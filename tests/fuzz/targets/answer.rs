//! A body of `POST /mcp` to its answer, through step 9, in every revision of the protocol.
#![no_main]

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use libfuzzer_sys::fuzz_target;
use mcp_auth_fuzz::WORLD;
use serde_json::Value;

const VERSIONS: [&str; 5] = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", ""];

fuzz_target!(init: assert!(!WORLD.token.is_empty()), |data: &[u8]| {
    let Some((&kind, body)) = data.split_first() else { return };
    let mut request = Request::post("/mcp")
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", WORLD.token));
    let version = VERSIONS[kind as usize % VERSIONS.len()];
    if !version.is_empty() {
        request = request.header("mcp-protocol-version", version);
    }
    if kind & 0x80 != 0 {
        // The newer era repeats method and name in headers; take them from the body where there are any.
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        for (name, value) in [("mcp-method", &message["method"]), ("mcp-name", &message["params"]["name"])] {
            let value = value.as_str().unwrap_or_default();
            if let Ok(value) = header::HeaderValue::from_str(value) {
                request = request.header(name, value);
            }
        }
    }
    let (parts, answer) = WORLD.send(request.body(Body::from(body.to_vec())).expect("a request"));
    if parts.status == StatusCode::OK {
        let json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        if json {
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
            assert!(answer.get("result").is_some() != answer.get("error").is_some(), "{answer}");
            // An id comes back as it was written; numbers too large for this reader are left out.
            let sent: Value = serde_json::from_slice(body).expect("what is answered was JSON");
            assert_eq!(answer["id"], sent["id"], "{answer}");
        }
    }
});
