//! What untrusted parties may send to the authorization server: registrations, authorization requests, token requests.
#![no_main]

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use libfuzzer_sys::fuzz_target;
use mcp_auth_fuzz::WORLD;
use url::{Host, Url, form_urlencoded};

/// A client may be described by a document at its name, and the server would go and fetch it: from this machine only.
fn would_go_out(form: &[u8]) -> bool {
    form_urlencoded::parse(form).any(|(name, value)| {
        name == "client_id"
            && match Url::parse(&value).as_ref().map(Url::host) {
                Ok(Some(Host::Domain(name))) => name != "localhost",
                Ok(Some(Host::Ipv4(address))) => !address.is_loopback(),
                Ok(Some(Host::Ipv6(address))) => !address.is_loopback(),
                Ok(None) | Err(_) => false,
            }
    })
}

fuzz_target!(init: assert!(!WORLD.token.is_empty()), |data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let (path, content) = match kind % 3 {
        0 => ("/auth/register", "application/json"),
        1 => ("/auth/token", "application/x-www-form-urlencoded"),
        _ => ("/auth/authorize", ""),
    };
    if would_go_out(data) {
        return;
    }
    let request = Request::builder().header(header::HOST, "localhost:9000");
    let request = if content.is_empty() {
        let Ok(query) = str::from_utf8(data) else { return };
        let request = request.uri(format!("{path}?{query}")).body(Body::empty());
        let Ok(request) = request else { return };
        request
    } else {
        let request = request.method("POST").uri(path).header(header::CONTENT_TYPE, content);
        request.body(Body::from(data.to_vec())).expect("a request")
    };
    let (answer, _) = WORLD.send(request);
    // Nobody gets a token for bytes, and nobody is sent away but to a client that is known.
    assert_ne!((kind % 3, answer.status), (1, StatusCode::OK));
    if let Some(location) = answer.headers.get(header::LOCATION) {
        let location = location.to_str().expect("ASCII");
        assert!(location.starts_with("http://127.0.0.1") || location.starts_with("http://localhost") || location.starts_with('/'), "{location}");
    }
});
