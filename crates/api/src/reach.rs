//! Which places files are fetched from besides the service itself.
//!
//! What names such a place comes from outside: a message, or a redirect. It must not make this machine call into its own
//! network, so the address counts that is connected to, and not its name: literal ones are looked at in the URL (which
//! has turned `2130706433` and `0177.0.0.1` into `127.0.0.1` by then), all others by the resolver that the connection is
//! made with.

use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::Outside;
use crate::error::{Error, Obstacle};
use crate::http::place;

/// The address is one that nothing may be fetched from.
#[derive(Debug)]
pub(crate) struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it has no public address")
    }
}

impl StdError for NotPublic {}

/// Resolves names to the addresses that may be connected to.
pub(crate) struct Resolver {
    pub(crate) allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fit: Vec<SocketAddr> = found.filter(|address| may_connect(address.ip(), allow_private)).collect();
            if fit.is_empty() {
                return Err(NotPublic.into());
            }
            Ok::<Addrs, Box<dyn StdError + Send + Sync>>(Box::new(fit.into_iter()))
        })
    }
}

impl Outside {
    /// Whether the settings name the host of a URL.
    pub(crate) fn names(&self, url: &Url) -> bool {
        let is_it = |host: &String| host.eq_ignore_ascii_case(&place(url)) || Some(host.as_str()) == url.host_str();
        self.hosts.iter().any(is_it)
    }

    /// Refuses a URL that leads to where nothing may be fetched from, as far as it says so itself.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Error> {
        if literal(url).is_none_or(|address| may_connect(address, self.allow_private)) {
            return Ok(());
        }
        Err(Error::Unreachable { host: place(url), obstacle: Obstacle::NotPublic, source: Arc::new(NotPublic) })
    }
}

/// Whether a redirect of a link of the service may lead to a place: by http, and not to what only this machine can reach,
/// unless the service is here, too. Private networks may be the service's own: it exists on premises.
pub(crate) fn may_redirect(url: &Url, service_is_here: bool) -> bool {
    let is_somewhere = literal(url).is_none_or(|address| reach(address) != Reach::Nowhere);
    matches!(url.scheme(), "http" | "https") && is_somewhere && (service_is_here || !is_loopback(url))
}

/// Whether a URL leads to this machine, as far as it says so itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match literal(url) {
        Some(IpAddr::V4(address)) => address.is_loopback(),
        Some(IpAddr::V6(address)) => address.is_loopback() || address.to_ipv4().is_some_and(|v4| v4.is_loopback()),
        None => url.host_str() == Some("localhost"),
    }
}

/// The address that a URL has in the place of a name.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    }
}

/// Whether a URL is one that a file can be fetched from at all: by http, with nobody's name and password in it.
pub(crate) fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}

fn may_connect(address: IpAddr, allow_private: bool) -> bool {
    match reach(address) {
        Reach::Public => true,
        Reach::Private => allow_private,
        Reach::Nowhere => false,
    }
}

/// Who can be reached by an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    /// This machine, or the networks around it.
    Private,
    /// Nobody whom a file could be had from; among them where clouds hand out the keys of their machines.
    Nowhere,
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [0 | 224.., ..] | [169, 254, ..] => Reach::Nowhere,
        [10 | 127, ..] | [172, 16..32, ..] | [192, 168, ..] | [100, 64..128, ..] => Reach::Private,
        // For protocols, documentation and benchmarks.
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let within = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // Addresses of the other kind in their several disguises: mapped, compatible, translated, 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => within(high, low),
        [0xfc00..0xfe00, ..] | [0x2001, 0xdb8, ..] => Reach::Private,
        // Of the rest only what is routed; Teredo and local translation hide who is behind them.
        [0x2001, 0, ..] | [0x64, 0xff9b, ..] => Reach::Nowhere,
        [0x2000..0x4000, ..] => Reach::Public,
        _ => Reach::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_connected_to() {
        for (url, reach_expected) in [
            ("http://93.184.216.34/", Reach::Public),
            ("http://[2606:2800:220:1::1]/", Reach::Public),
            ("http://[::ffff:93.184.216.34]/", Reach::Public),
            ("http://127.0.0.1/", Reach::Private),
            ("http://2130706433/", Reach::Private),
            ("http://0177.0.0.1/", Reach::Private),
            ("http://0x7f.1/", Reach::Private),
            ("http://127.1/", Reach::Private),
            ("http://10.0.0.7/", Reach::Private),
            ("http://172.31.255.255/", Reach::Private),
            ("http://192.168.1.1/", Reach::Private),
            ("http://100.100.100.200/", Reach::Private),
            ("http://[::1]/", Reach::Private),
            ("http://[::ffff:127.0.0.1]/", Reach::Private),
            ("http://[::ffff:7f00:1]/", Reach::Private),
            ("http://[::127.0.0.1]/", Reach::Private),
            ("http://[64:ff9b::10.0.0.1]/", Reach::Private),
            ("http://[2002:7f00:1::]/", Reach::Private),
            ("http://[fd00:ec2::254]/", Reach::Private),
            ("http://169.254.169.254/", Reach::Nowhere),
            ("http://2852039166/", Reach::Nowhere),
            ("http://[::ffff:169.254.169.254]/", Reach::Nowhere),
            ("http://[64:ff9b::a9fe:a9fe]/", Reach::Nowhere),
            ("http://[fe80::1]/", Reach::Nowhere),
            ("http://[ff02::1]/", Reach::Nowhere),
            ("http://[2001:0:53aa::1]/", Reach::Nowhere),
            ("http://0.0.0.0/", Reach::Nowhere),
            ("http://[::]/", Reach::Nowhere),
            ("http://255.255.255.255/", Reach::Nowhere),
        ] {
            let url: Url = url.parse().unwrap();
            let address = match url.host().unwrap() {
                Host::Ipv4(address) => IpAddr::V4(address),
                Host::Ipv6(address) => IpAddr::V6(address),
                Host::Domain(name) => panic!("{name}"),
            };
            assert_eq!(reach(address), reach_expected, "{url}");
            let checked = |allow_private| Outside { allow_private, ..Outside::default() }.check(&url).is_ok();
            assert_eq!(checked(false), reach_expected == Reach::Public, "{url}");
            assert_eq!(checked(true), reach_expected != Reach::Nowhere, "{url}");
        }
    }

    #[test]
    fn no_redirect_leads_into_the_machine_or_its_cloud() {
        for (url, from_outside, from_here) in [
            ("https://store.example.com/x", true, true),
            ("http://10.0.0.7/x", true, true),
            ("http://169.254.169.254/latest/meta-data", false, false),
            ("http://[::ffff:169.254.169.254]/", false, false),
            ("http://[64:ff9b::a9fe:a9fe]/", false, false),
            ("http://[fe80::1]/", false, false),
            ("http://0.0.0.0/", false, false),
            ("http://127.0.0.1:8080/", false, true),
            ("http://[::ffff:127.0.0.1]/", false, true),
            ("http://localhost/", false, true),
            ("http://[::1]/", false, true),
            ("file:///etc/passwd", false, false),
            ("ftp://store.example.com/x", false, false),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!((may_redirect(&url, false), may_redirect(&url, true)), (from_outside, from_here), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_counts_for_what_it_resolves_to() {
        let resolved = |allow_private| Resolver { allow_private }.resolve("localhost".parse().unwrap());
        let error = resolved(false).await.err().expect("this machine is not public");
        assert!(error.is::<NotPublic>(), "{error}");
        assert!(resolved(true).await.unwrap().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn hosts_are_named_with_their_port_or_for_all_ports() {
        let outside = Outside { hosts: vec!["cdn.example.com".to_owned(), "h:81".to_owned()], allow_private: false };
        for (url, is_named) in [
            ("https://cdn.example.com/x", true),
            ("https://CDN.example.com:8443/x", true),
            ("https://cdn.example.com.evil.example/x", false),
            ("http://h:81/x", true),
            ("http://h/x", false),
            ("http://cdn.example.com@evil.example/x", false),
        ] {
            assert_eq!(outside.names(&url.parse().unwrap()), is_named, "{url}");
        }
    }
}
