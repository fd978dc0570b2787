//! Which addresses belong to the public internet.
//!
//! Rules: RFC 6890 and the IANA special-purpose address registries (IPv4, IPv6); Client ID Metadata Document draft,
//! section 6.5 (server-side request forgery): nobody may use us to knock at doors that only we can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `address` is globally reachable.
pub(super) fn is_public(address: IpAddr) -> bool {
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
            | [100, 64..=127, ..]     // behind a carrier's NAT
            | [169, 254, ..]          // link-local, and the clouds' metadata services
            | [172, 16..=31, ..]      // private use
            | [192, 0, 0 | 2, _]      // protocol assignments, documentation
            | [192, 88, 99, _]        // 6to4 relays
            | [192, 168, ..]          // private use
            | [198, 18 | 19, ..]      // benchmarks
            | [198, 51, 100, _]       // documentation
            | [203, 0, 113, _]        // documentation
            | [224..=255, ..] // multicast, reserved, broadcast
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Carry an IPv4 address: mapped, and translated by NAT64.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        [0x2001, 0x0000..=0x01ff, ..]       // protocol assignments, Teredo
        | [0x2001, 0x0db8, ..]              // documentation
        | [0x2002, ..]                      // 6to4
        | [0x3fff, 0x0000..=0x0fff, ..] => false, // documentation
        // Global unicast is 2000::/3; all else is local, special or not assigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for public in [
            "1.1.1.1",
            "93.184.216.34",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.255.0.9",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }
}
