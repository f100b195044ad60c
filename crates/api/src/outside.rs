//! Which addresses are outside: reached over the Internet, and not on this machine, in its networks or in its cloud.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Looks names up and gives back the addresses that are outside; a name that has none of these cannot be connected to.
#[derive(Debug)]
pub(crate) struct Outside;

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for an address of this machine or of a private network")]
struct Inside;

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let outside: Vec<SocketAddr> = found.filter(|address| is_outside(address.ip())).collect();
            if outside.is_empty() {
                return Err(Box::new(Inside) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(outside.into_iter()) as Addrs)
        })
    }
}

/// Whether an address that is written as a number is outside; of a name the resolver knows.
pub(crate) fn is_outside_url(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_outside(address.into()),
        Some(Host::Ipv6(address)) => is_outside(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    }
}

/// Whether an address is one of the Internet.
pub(crate) fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_outside_v4(address),
        IpAddr::V6(address) => match inner(address) {
            Some(inner) => is_outside_v4(inner),
            // All of the Internet is in 2000::/3.
            None => address.segments()[0] & 0xe000 == 0x2000,
        },
    }
}

fn is_outside_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    let is_benchmark = first == 198 && (18..20).contains(&second);
    // 0.0.0.0/8 is this network, 240.0.0.0/4 is nobody's.
    let is_reserved = first == 0 || first >= 240 || (first, second) == (192, 0) && address.octets()[2] == 0;
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || is_shared
        || is_benchmark
        || is_reserved)
}

/// The address of the old kind within one of the new: mapped, translated (64:ff9b::/96) or tunnelled (2002::/16).
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [first, second, third, .., last_but_one, last] = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (first, second) {
        (0x2002, _) => Some(of(second, third)),
        (0x0064, 0xff9b) => Some(of(last_but_one, last)),
        _ => address.to_ipv4_mapped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_this_machine_can_reach_is_not_outside() {
        for address in ["1.1.1.1", "203.0.114.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "2002:101:101::1"] {
            assert!(is_outside(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.7",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::1",
        ] {
            assert!(!is_outside(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_resolved() {
        let resolved = Outside.resolve("localhost".parse().unwrap()).await;
        let error = resolved.err().expect("it stands for this machine").to_string();
        assert_eq!(error, Inside.to_string());
    }
}
