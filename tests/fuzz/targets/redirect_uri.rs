//! Redirect URIs: what may be registered, what counts as the same, and what is sent there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

#[allow(dead_code)]
#[path = "../../../src/authorization_server/redirect_uri.rs"]
mod redirect_uri;

use redirect_uri::{check, matches, with_parameters};

fuzz_target!(|text: &str| {
    let (registered, requested) = text.split_once('\n').unwrap_or((text, text));
    if check(registered).is_err() {
        return;
    }
    let home = Url::parse(registered).expect("what may be registered is a URL");
    let local = match home.host().expect("it has a host") {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    assert!(home.scheme() == "https" || home.scheme() == "http" && local, "{home}");
    assert!(home.fragment().is_none() && home.username().is_empty(), "{home}");

    // Whatever is taken for the same goes to the same host, by the same scheme, on the same path.
    if matches(registered, requested) {
        let there = Url::parse(requested).expect("what matches is a URL");
        assert_eq!(
            (there.scheme(), there.host(), there.path()),
            (home.scheme(), home.host(), home.path())
        );
        assert!(there.port() == home.port() || local && home.scheme() == "http", "{home} {there}");
    }
    let sent = Url::parse(&with_parameters(registered, &[("code", "a&b=c#d"), ("state", text)]));
    let sent = sent.expect("an answer is sent to a URL");
    assert_eq!(sent.origin(), home.origin());
    let parameters: Vec<_> = sent.query_pairs().collect();
    let [.., code, state] = parameters.as_slice() else { panic!("{sent}") };
    assert_eq!((&*code.1, &*state.1), ("a&b=c#d", text));
});
