//! `WWW-Authenticate`, as a client reads it: what was understood can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth::auth::challenge::Challenge;

fuzz_target!(|text: &str| {
    let Ok(challenges) = Challenge::parse_all(text) else { return };
    for challenge in &challenges {
        assert!(!challenge.scheme().is_empty());
        assert!(challenge.param("resource_metadata").is_none_or(|url| url.len() <= text.len()));
        let written = challenge.to_string();
        assert_eq!(
            Challenge::parse_all(&written).as_deref(),
            Ok(std::slice::from_ref(challenge)),
            "{written}"
        );
    }
});
