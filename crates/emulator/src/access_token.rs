//! Agora's AccessToken2: building one, and checking one (protocol section 2.2).
//!
//! ```text
//! token        = "007" ‖ base64(zlib(str(signature) ‖ signing_info))        str = u16 length ‖ bytes, little-endian
//! signing_info = str(app_id) ‖ u32 issued ‖ u32 expire ‖ u32 salt ‖ u16 services ‖ service*
//! service      = u16 type ‖ u16 privileges ‖ (u16 privilege ‖ u32 expire)* ‖ what the type adds
//! ```
//!
//! Both `expire` are seconds after `issued`; 0 and everything above 24 hours mean 24 hours.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::Timestamp;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::options::Credentials;

/// How every AccessToken2 begins.
pub(crate) const PREFIX: &str = "007";
const CHAT: u16 = 5;
const APP_PRIVILEGE: u16 = 2;
const DAY_SECONDS: u32 = 24 * 3600;
/// A token with every service is below 1 KiB; more is an attack.
const LONGEST: u64 = 64 * 1024;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Corrupt,
    Expired,
    /// Of another app, wrongly signed, or without the app privilege.
    Foreign,
}

/// Checks a token and says when it ends.
pub(crate) fn check(token: &str, credentials: &Credentials, now: Timestamp) -> Result<Timestamp, Refusal> {
    let bytes = unpacked(token).ok_or(Refusal::Corrupt)?;
    let mut reader = Reader { bytes: &bytes };
    let signature = reader.text().ok_or(Refusal::Corrupt)?;
    let signing_info = reader.bytes;
    let claims = Claims::read(&mut reader).ok_or(Refusal::Corrupt)?;
    let mac = signer(&claims, credentials, signing_info);
    if claims.app_id != credentials.app_id.as_bytes() || mac.verify_slice(signature).is_err() {
        return Err(Refusal::Foreign);
    }
    let privilege = claims.app_privilege.ok_or(Refusal::Foreign)?;
    let life = capped(claims.expire).min(capped(privilege));
    let end = seconds(claims.issued) + Duration::from_secs(u64::from(life));
    if now < end { Ok(end) } else { Err(Refusal::Expired) }
}

/// Builds a token with the app privilege.
pub(crate) fn build(credentials: &Credentials, now: Timestamp, life: Duration) -> String {
    let issued = u32::try_from(now.timestamp()).unwrap_or(u32::MAX);
    let expire = u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
    built(credentials, issued, expire, SALT)
}

/// Any number of `1..=99_999_999` will do: nobody has to guess it.
const SALT: u32 = 20_141_203;

fn built(credentials: &Credentials, issued: u32, expire: u32, salt: u32) -> String {
    let app_id = credentials.app_id.as_bytes();
    let mut signing_info = Vec::new();
    put_text(&mut signing_info, app_id);
    for number in [issued, expire, salt] {
        signing_info.extend(number.to_le_bytes());
    }
    for number in [1, CHAT, 1, APP_PRIVILEGE] {
        signing_info.extend(number.to_le_bytes());
    }
    signing_info.extend(expire.to_le_bytes());
    put_text(&mut signing_info, b"");
    let claims = Claims { app_id, issued, expire, salt, app_privilege: Some(expire) };
    let mut whole = Vec::new();
    put_text(&mut whole, &signer(&claims, credentials, &signing_info).finalize().into_bytes());
    whole.extend(signing_info);
    packed(&whole)
}

/// The number is the key, the certificate the message: twice, with the time and with the salt.
fn signer(claims: &Claims<'_>, credentials: &Credentials, signing_info: &[u8]) -> Hmac<Sha256> {
    let certificate = credentials.app_certificate.reveal().as_bytes();
    let by_time = hmac(&claims.issued.to_le_bytes(), certificate).finalize().into_bytes();
    let by_salt = hmac(&claims.salt.to_le_bytes(), &by_time).finalize().into_bytes();
    hmac(&by_salt, signing_info)
}

fn hmac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length").chain_update(message)
}

fn capped(expire: u32) -> u32 {
    if expire == 0 { DAY_SECONDS } else { expire.min(DAY_SECONDS) }
}

fn seconds(since_epoch: u32) -> Timestamp {
    Timestamp::from_timestamp(i64::from(since_epoch), 0).expect("the seconds of a u32 end in the year 2106")
}

fn unpacked(token: &str) -> Option<Vec<u8>> {
    let packed = STANDARD.decode(token.strip_prefix(PREFIX)?).ok()?;
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed.as_slice()).take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn packed(bytes: &[u8]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a Vec takes everything");
    format!("{PREFIX}{}", STANDARD.encode(encoder.finish().expect("a Vec takes everything")))
}

fn put_text(into: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).expect("App IDs and signatures are short");
    into.extend(length.to_le_bytes());
    into.extend(text);
}

/// What the signature covers.
struct Claims<'a> {
    app_id: &'a [u8],
    issued: u32,
    expire: u32,
    salt: u32,
    /// When the app privilege of the chat service expires, if it is there.
    app_privilege: Option<u32>,
}

impl<'a> Claims<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let app_id = reader.text()?;
        let (issued, expire, salt) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let services = reader.u16()?;
        let mut claims = Self { app_id, issued, expire, salt, app_privilege: None };
        for _ in 0..services {
            let service = reader.u16()?;
            for _ in 0..reader.u16()? {
                let (privilege, expire) = (reader.u16()?, reader.u32()?);
                if (service, privilege) == (CHAT, APP_PRIVILEGE) {
                    claims.app_privilege = Some(expire);
                }
            }
            // Of a service that nobody knows, the end is not known either: what was read so far counts.
            let Some(texts) = texts_of(service) else { break };
            for _ in 0..texts {
                reader.text()?;
            }
        }
        Some(claims)
    }
}

/// How many texts a service of this type ends with.
fn texts_of(service: u16) -> Option<u32> {
    match service {
        // Real-time communication and streaming: channel and user.
        1 | 3 => Some(2),
        // Signalling, chat: the user.
        2 | CHAT => Some(1),
        4 => Some(0),
        _ => None,
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use chat::Secret;

    use super::*;

    /// Public constants of the vendor's own tests (protocol section 2.2).
    const APP: &str = "007eJxTYNDNaz3snC8huEfHWdz6s98qltq4zqy9fl99Uh0FDvy6F6DAYGlu4OxobJqSamaQbGJiZmKalJSYapFoZGhqYGaYZGzs/kWAIYKJgYGRAYRZgZgJzGdgAACt8hhr";
    const USER: &str = "007eJxTYNAIsnbS3v/A5t2TC6feR15r+6cq8bqAvfaW+tk/Vzz+p6xTYLA0N3B2NDZNSTUzSDYxMTMxTUpKTLVINDI0NTAzTDI2dv8iwBDBxMDAyADCrEDMCOZzMRhZWBgZmxgamRsDAB+lHrg=";
    const ISSUED: u32 = 1_111_111;

    fn vendors() -> Credentials {
        Credentials {
            app_id: "970CA35de60c44645bbae8a215061b33".to_owned(),
            app_certificate: Secret::new("5CFd2fd1755d40ecb72977518be15d3b"),
            ..Credentials::default()
        }
    }

    #[test]
    fn the_vendors_app_token_is_taken_until_it_expires() {
        assert_eq!(check(APP, &vendors(), seconds(ISSUED)), Ok(seconds(ISSUED + 600)));
        assert_eq!(check(APP, &vendors(), seconds(ISSUED + 599)), Ok(seconds(ISSUED + 600)));
        assert_eq!(check(APP, &vendors(), seconds(ISSUED + 600)), Err(Refusal::Expired));
    }

    #[test]
    fn the_vendors_user_token_is_no_app_token() {
        assert_eq!(check(USER, &vendors(), seconds(ISSUED)), Err(Refusal::Foreign));
    }

    #[test]
    fn a_token_is_built_byte_for_byte_as_the_vendor_does() {
        let token = built(&vendors(), ISSUED, 600, 1);
        assert_eq!(unpacked(&token), unpacked(APP));
    }

    #[test]
    fn another_app_or_certificate_is_foreign() {
        let now = seconds(ISSUED);
        let other = Credentials { app_id: "0".repeat(32), ..vendors() };
        assert_eq!(check(APP, &other, now), Err(Refusal::Foreign));
        let other = Credentials { app_certificate: Secret::new("0".repeat(32)), ..vendors() };
        assert_eq!(check(APP, &other, now), Err(Refusal::Foreign));
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let bytes = unpacked(APP).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(check(&packed(&changed), &vendors(), seconds(ISSUED)).is_err(), "byte {at}");
            assert!(check(&packed(&bytes[..at]), &vendors(), seconds(ISSUED)).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn rubbish_is_corrupt() {
        for token in ["", "007", "007!!!!", "006eJxT", "007AAAA", APP.split_at(40).0] {
            assert_eq!(check(token, &vendors(), seconds(ISSUED)), Err(Refusal::Corrupt), "{token}");
        }
    }

    #[test]
    fn nothing_lives_longer_than_a_day() {
        for expire in [0, DAY_SECONDS, 10 * DAY_SECONDS] {
            let token = built(&vendors(), ISSUED, expire, 7);
            assert_eq!(check(&token, &vendors(), seconds(ISSUED)), Ok(seconds(ISSUED + DAY_SECONDS)));
        }
    }
}
