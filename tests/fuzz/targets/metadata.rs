//! Metadata documents (RFC 9728, RFC 8414): what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth::auth::metadata::{AuthorizationServerMetadata, ProtectedResource};
use serde_json::{from_slice, from_value, to_value};

fuzz_target!(|document: &[u8]| {
    if let Ok(resource) = from_slice::<ProtectedResource>(document) {
        let written = to_value(&resource).expect("it can be written");
        let again: ProtectedResource = from_value(written.clone()).expect("it can be read again");
        assert_eq!(to_value(&again).expect("it can be written"), written);
    }
    if let Ok(server) = from_slice::<AuthorizationServerMetadata>(document) {
        let written = to_value(&server).expect("it can be written");
        let again: AuthorizationServerMetadata =
            from_value(written.clone()).expect("it can be read again");
        assert_eq!(to_value(&again).expect("it can be written"), written);
    }
});
