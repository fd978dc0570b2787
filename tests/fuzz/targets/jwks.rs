//! Sets of keys (RFC 7517) from anybody: only keys for signatures that are made for one algorithm come out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth::auth::verify::jwks::JwkSet;
use serde_json::Value;

fuzz_target!(|document: &[u8]| {
    let Ok(set) = JwkSet::parse(document) else { return };
    let keys = set.verification_keys();
    assert!(str::from_utf8(document).is_ok(), "JSON is UTF-8");
    // What is skipped may hold numbers that are too large for this reader.
    let Ok(document) = serde_json::from_slice::<Value>(document) else { return };
    let listed = document["keys"].as_array().map_or(&[][..], Vec::as_slice);
    // Keys for encryption and symmetric keys verify nothing.
    let usable = listed.iter().filter(|key| key["use"] != "enc" && key["kty"] != "oct").count();
    assert!(keys.len() <= usable, "{} of {usable} in {document}", keys.len());
});
