//! The service's own tokens.
//!
//! `YWMt` and the base64url of: milliseconds of issue, milliseconds of expiry (both i64, big-endian; 0 never expires), 16
//! bytes of an HMAC over both and the app. Nothing is stored, so a token outlives a restart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::{App, Timestamp};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::access_token::Refusal;
use crate::options::Credentials;

const PREFIX: &str = "YWMt";
const SIGNATURE_BYTES: usize = 16;

/// Issues the tokens of one app, and checks them.
pub(crate) struct Issuer<'a> {
    app: &'a App,
    credentials: &'a Credentials,
}

impl<'a> Issuer<'a> {
    pub(crate) fn new(app: &'a App, credentials: &'a Credentials) -> Self {
        Self { app, credentials }
    }

    /// A token; `None` never expires.
    pub(crate) fn token(&self, issued: Timestamp, expires: Option<Timestamp>) -> String {
        // One that never expires is the same every time.
        let issued = expires.map_or(0, |_| issued.timestamp_millis());
        let expires = expires.map_or(0, |time| time.timestamp_millis());
        let mut bytes = [issued.to_be_bytes(), expires.to_be_bytes()].concat();
        let mac = self.mac(&bytes).finalize().into_bytes();
        bytes.extend(mac.iter().take(SIGNATURE_BYTES));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Checks a token at this moment.
    pub(crate) fn check(&self, token: &str, now: Timestamp) -> Result<(), Refusal> {
        let encoded = token.strip_prefix(PREFIX).ok_or(Refusal::Corrupt)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Refusal::Corrupt)?;
        let (times, signature) = bytes.split_at_checked(16).ok_or(Refusal::Corrupt)?;
        if signature.len() != SIGNATURE_BYTES {
            return Err(Refusal::Corrupt);
        }
        self.mac(times).verify_truncated_left(signature).map_err(|_| Refusal::Foreign)?;
        let expires = times.last_chunk().copied().map_or(0, i64::from_be_bytes);
        if expires == 0 || now.timestamp_millis() < expires { Ok(()) } else { Err(Refusal::Expired) }
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let secret = self.credentials.client_secret.reveal();
        Hmac::new_from_slice(secret.as_bytes())
            .expect("HMAC takes keys of any length")
            .chain_update(self.app.to_string())
            .chain_update(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_token_is_good_for_its_app_until_it_expires() {
        let credentials = Credentials::default();
        let app = App::new("harbor-org", "lantern");
        let issuer = Issuer::new(&app, &credentials);
        let now: Timestamp = "2026-03-14T09:00:00Z".parse().unwrap();
        let later = now + Duration::from_secs(60);
        let token = issuer.token(now, Some(later));
        assert_eq!(issuer.check(&token, now), Ok(()));
        assert_eq!(issuer.check(&token, later), Err(Refusal::Expired));
        assert_eq!(issuer.check(&issuer.token(now, None), later), Ok(()));
        let other = App::new("harbor-org", "beacon");
        assert_eq!(Issuer::new(&other, &credentials).check(&token, now), Err(Refusal::Foreign));
        for garbled in ["", "YWMt", "YWMt!", "Basic", token.split_at(token.len() - 4).0, &format!("{token}AAAA")] {
            assert_eq!(issuer.check(garbled, now), Err(Refusal::Corrupt), "{garbled}");
        }
    }
}
