//! Signed links to files, in the form of Aliyun OSS (protocol section 3.2).
//!
//! `/history/{days}D/{org}/{app}/{name}?Expires={unix seconds}&OSSAccessKeyId={id}&Signature={percent-encoded base64}`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::Timestamp;
use hmac::{Hmac, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use crate::options::Options;
use crate::state::encoded;

const ACCESS_KEY_ID: &str = "AKHARBORLANTERN";
/// As long as the SHA-1 of a real store.
const SIGNATURE_BYTES: usize = 20;

/// Signs links, and checks them.
pub(crate) struct Signer<'a> {
    options: &'a Options,
}

/// Why a link is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Expired,
    UnknownKey,
    Unsigned,
    WrongSignature,
}

impl<'a> Signer<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options }
    }

    /// The path and query of a file, good until `expires`.
    pub(crate) fn link(&self, name: &str, expires: Timestamp) -> String {
        let class = self.class();
        let (org, app) = (encoded(self.options.app.org()), encoded(self.options.app.name()));
        let expires = expires.timestamp();
        let signature = STANDARD.encode(self.mac(name, expires).finalize().into_bytes().split_at(SIGNATURE_BYTES).0);
        let signature = encoded(&signature);
        format!(
            "/history/{class}/{org}/{app}/{name}?Expires={expires}&OSSAccessKeyId={ACCESS_KEY_ID}&Signature={signature}"
        )
    }

    /// Checks the query of a request for this file.
    pub(crate) fn check(&self, name: &str, query: &str, now: Timestamp) -> Result<(), Refusal> {
        let value = |key| parameter(query, key).ok_or(Refusal::Unsigned);
        let (expires, key, signature) = (value("Expires")?, value("OSSAccessKeyId")?, value("Signature")?);
        if key != ACCESS_KEY_ID {
            return Err(Refusal::UnknownKey);
        }
        let expires: i64 = expires.parse().map_err(|_| Refusal::WrongSignature)?;
        let signature = STANDARD.decode(signature).map_err(|_| Refusal::WrongSignature)?;
        if signature.len() != SIGNATURE_BYTES || self.mac(name, expires).verify_truncated_left(&signature).is_err() {
            return Err(Refusal::WrongSignature);
        }
        if now.timestamp() >= expires { Err(Refusal::Expired) } else { Ok(()) }
    }

    /// The retention in whole days, as the path names it.
    pub(crate) fn class(&self) -> String {
        format!("{}D", self.options.retention.as_secs().div_ceil(24 * 3600))
    }

    fn mac(&self, name: &str, expires: i64) -> Hmac<Sha256> {
        let secret = self.options.credentials.app_certificate.reveal();
        let mut mac = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        let app = &self.options.app;
        mac.update(format!("GET\n\n\n{expires}\n/{}/{}/{}/{name}", self.class(), app.org(), app.name()).as_bytes());
        mac
    }
}

/// The value of a parameter, percent-decoded; `+` stays `+`, as in a URL that is no form.
pub(crate) fn parameter(query: &str, key: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_link_is_good_for_its_file_until_it_expires() {
        let options = Options::default();
        let signer = Signer::new(&options);
        let now: Timestamp = "2026-03-14T12:00:00Z".parse().unwrap();
        let expires = now + Duration::from_secs(1800);
        let link = signer.link("2026031409.gz", expires);
        let (path, query) = link.split_once('?').unwrap();
        assert_eq!(path, "/history/3D/harbor-org/lantern/2026031409.gz");
        let check = |name, query: &str, at| signer.check(name, query, at);
        assert_eq!(check("2026031409.gz", query, now), Ok(()));
        assert_eq!(check("2026031409.gz", query, expires - Duration::from_millis(1)), Ok(()));
        assert_eq!(check("2026031409.gz", query, expires), Err(Refusal::Expired));
        assert_eq!(check("2026031410.gz", query, now), Err(Refusal::WrongSignature));
        assert_eq!(check("2026031409.gz", "", now), Err(Refusal::Unsigned));
        let later = query.replace("Expires=1", "Expires=2");
        assert_eq!(check("2026031409.gz", &later, now), Err(Refusal::WrongSignature));
        assert_eq!(check("2026031409.gz", &query.replace("AKH", "AKX"), now), Err(Refusal::UnknownKey));
        let short = query.split("&Signature").next().unwrap().to_owned() + "&Signature=";
        assert_eq!(check("2026031409.gz", &short, now), Err(Refusal::WrongSignature));
    }
}
