//! `Origin` and `Host`: whoever passes is one of ours, letter by letter.
#![no_main]

use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode, header},
};
use libfuzzer_sys::fuzz_target;
use mcp_auth_fuzz::WORLD;

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// `name` or `name:digits`.
fn is_ours(authority: &str) -> bool {
    let lower = authority.to_ascii_lowercase();
    NAMES.iter().any(|name| {
        lower.strip_prefix(name).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix(':')
                    .is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
        })
    })
}

fuzz_target!(init: assert!(!WORLD.token.is_empty()), |data: &[u8]| {
    let mut parts = data.splitn(2, |&byte| byte == b'\n');
    let (origin, host) = (parts.next().unwrap_or_default(), parts.next().unwrap_or(b"localhost"));
    let (Ok(origin), Ok(host)) = (HeaderValue::from_bytes(origin), HeaderValue::from_bytes(host)) else {
        return;
    };
    let request = Request::get("/.well-known/jwks.json")
        .header(header::ORIGIN, &origin)
        .header(header::HOST, &host)
        .body(Body::empty())
        .expect("a request");
    let (answer, _) = WORLD.send(request);
    if answer.status == StatusCode::OK {
        let origin = origin.to_str().expect("a refused origin passed");
        let page = origin.strip_prefix("http://").is_some_and(is_ours);
        assert!(page && origin == origin.to_lowercase(), "{origin}");
        assert!(is_ours(host.to_str().expect("a refused host passed")), "{host:?}");
    } else {
        assert!([StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST].contains(&answer.status), "{answer:?}");
    }
});
