//! Which IP addresses belong to the public internet: the rule against server-side request forgery.
//!
//! Specs: RFC 6890 and the IANA special-purpose address registries (IPv4 and IPv6); Client ID Metadata Document draft,
//! section 6.5; MCP Security Best Practices, "Server-Side Request Forgery". Whoever fetches a URL that an untrusted
//! party chose must check **every** address that its host name resolves to.
//!
//! ```
//! use mcp_auth::public_ip::is_public;
//!
//! let resolved = ["93.184.216.34", "169.254.169.254"].map(|ip| ip.parse().unwrap());
//! assert!(!resolved.into_iter().all(is_public), "one private address is enough to refuse the name");
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `address` is globally reachable unicast (RFC 6890, 2.2.1).
///
/// An IPv6 address that carries an IPv4 address for the network to use (IPv4-mapped, NAT64) is judged by the latter.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    let special = matches!(
        octets,
        [0 | 10 | 127, ..]            // this network, private use, loopback
            | [100, 64..=127, ..]     // carrier-grade NAT
            | [169, 254, ..]          // link-local, including cloud metadata services
            | [172, 16..=31, ..]      // private use
            | [192, 0, 0 | 2, _]      // protocol assignments, documentation
            | [192, 88, 99, _]        // 6to4 relays
            | [192, 168, ..]          // private use
            | [198, 18 | 19, ..]      // benchmarking
            | [198, 51, 100, _]       // documentation
            | [203, 0, 113, _]        // documentation
            | [224..=255, ..] // multicast, reserved, broadcast
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // IPv4-mapped (RFC 4291, 2.5.5.2) and NAT64 (RFC 6052, 2.1).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        [0x2001, 0x0000..=0x01ff, ..]       // protocol assignments, Teredo
        | [0x2001, 0x0db8, ..]              // documentation
        | [0x2002, ..]                      // 6to4
        | [0x3fff, 0x0000..=0x0fff, ..] => false, // documentation
        // Global unicast is 2000::/3. The rest is local, special or unassigned: ::/96 (IPv4-compatible),
        // 64:ff9b:1::/48, 100::/64, fc00::/7, fe80::/10, fec0::/10, ff00::/8.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_globally_reachable_unicast_is_public() {
        for (what, addresses, public) in [
            ("public IPv4", &["1.1.1.1", "93.184.216.34", "223.255.255.255"][..], true),
            (
                "next to private use",
                &["9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1"],
                true,
            ),
            (
                "next to other ranges",
                &["100.63.0.1", "100.128.0.1", "192.0.1.1", "198.20.0.1"],
                true,
            ),
            ("public IPv6", &["2606:4700::1111", "2001:4860:4860::8888", "3ffe::1"], true),
            ("public, IPv4-mapped and by NAT64", &["::ffff:1.1.1.1", "64:ff9b::101:101"], true),
            ("this network", &["0.0.0.0", "0.1.2.3"], false),
            ("loopback", &["127.0.0.1", "127.255.0.9", "::1"], false),
            ("private use", &["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"], false),
            ("carrier-grade NAT", &["100.64.0.1", "100.127.255.255"], false),
            ("link-local", &["169.254.169.254", "fe80::1"], false),
            (
                "protocol assignments",
                &["192.0.0.8", "192.0.0.170", "2001::1", "2001:1ff::1"],
                false,
            ),
            ("6to4", &["192.88.99.1", "2002:7f00:1::", "2002:101:101::1"], false),
            ("documentation, IPv4", &["192.0.2.1", "198.51.100.1", "203.0.113.7"], false),
            ("documentation, IPv6", &["2001:db8::1", "3fff::1"], false),
            ("benchmarking", &["198.18.0.1", "198.19.255.255"], false),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1"], false),
            ("reserved and broadcast", &["240.0.0.1", "255.255.255.255"], false),
            ("unspecified and discard", &["::", "100::1"], false),
            ("IPv4-compatible", &["::127.0.0.1", "::1.1.1.1"], false),
            ("private, IPv4-mapped", &["::ffff:127.0.0.1", "::ffff:10.0.0.1"], false),
            (
                "private by NAT64",
                &["64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::101:101"],
                false,
            ),
            ("unique local", &["fc00::1", "fd00:ec2::254"], false),
            ("site-local (deprecated)", &["fec0::1", "feff::1"], false),
        ] {
            for address in addresses {
                assert_eq!(is_public(address.parse().unwrap()), public, "{what}: {address}");
            }
        }
    }
}
