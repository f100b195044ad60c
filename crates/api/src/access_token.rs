//! Agora's AccessToken2, built here (section 2.2).
//!
//! ```text
//! token        = "007" + base64( zlib( str(signature) ‖ signing_info ) )
//! signing_info = str(app_id) ‖ u32 issued_at ‖ u32 expire ‖ u32 salt ‖ u16 service_count ‖ service*
//! service      = u16 type ‖ u16 privilege_count ‖ (u16 privilege ‖ u32 expire)* ‖ str(user)
//! ```
//!
//! Little-endian; `str` is a u16 length and bytes. Both times of expiry are seconds from `issued_at`. App ID and
//! certificate are used as the text they are. The token names one service, chat, with one privilege.

use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What the service honours at most, in seconds; more counts as this.
pub(crate) const LIFE_S: u32 = 86_400;
/// The largest salt of the vendor's own builders; the smallest is 1.
pub(crate) const LARGEST_SALT: u32 = 99_999_999;

const VERSION: &str = "007";
const CHAT: u16 = 5;
const APP: u16 = 2;

/// A token for the REST API of an app.
///
/// `issued_at` is in seconds since 1970, `1 <= salt <= LARGEST_SALT`.
pub(crate) fn app_token(app_id: &str, certificate: &str, issued_at: u32, salt: u32) -> String {
    debug_assert!((1..=LARGEST_SALT).contains(&salt));
    let grant = Grant { privilege: APP, user: "" };
    let info = signing_info(app_id, issued_at, LIFE_S, salt, grant);
    let signature = signature(certificate, issued_at, salt, &info);
    pack(&signature, &info)
}

/// The one privilege that a token grants, and to whom: nobody in particular, where it is the app's own.
#[derive(Clone, Copy)]
struct Grant<'a> {
    privilege: u16,
    user: &'a str,
}

fn signing_info(app_id: &str, issued_at: u32, life_s: u32, salt: u32, grant: Grant<'_>) -> Vec<u8> {
    let mut info = Vec::with_capacity(64);
    put_text(&mut info, app_id.as_bytes());
    for number in [issued_at, life_s, salt] {
        info.extend(number.to_le_bytes());
    }
    let services = 1;
    let privileges = 1;
    for number in [services, CHAT, privileges, grant.privilege] {
        info.extend(u16::to_le_bytes(number));
    }
    info.extend(life_s.to_le_bytes());
    put_text(&mut info, grant.user.as_bytes());
    info
}

/// The numbers are the keys here, and the certificate the message: that is the vendor's order.
fn signature(certificate: &str, issued_at: u32, salt: u32, info: &[u8]) -> [u8; 32] {
    let by_time = hmac(&issued_at.to_le_bytes(), certificate.as_bytes());
    let by_salt = hmac(&salt.to_le_bytes(), &by_time);
    hmac(&by_salt, info)
}

fn pack(signature: &[u8], info: &[u8]) -> String {
    let mut content = Vec::with_capacity(signature.len() + info.len() + 2);
    put_text(&mut content, signature);
    content.extend(info);
    let packed = deflated(&content).expect("writing to memory does not fail");
    format!("{VERSION}{}", BASE64_STANDARD.encode(packed))
}

fn deflated(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}

fn put_text(into: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    into.extend(length.to_le_bytes());
    into.extend(text.iter().take(length.into()));
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;

    use super::*;

    // Public constants of the vendor's own tests.
    const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
    const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";
    const ISSUED_AT: u32 = 1_111_111;
    const USER: u16 = 1;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    fn inflated(token: &str) -> Vec<u8> {
        let packed = BASE64_STANDARD.decode(token.strip_prefix("007").unwrap()).unwrap();
        let mut content = Vec::new();
        ZlibDecoder::new(packed.as_slice()).read_to_end(&mut content).unwrap();
        content
    }

    #[track_caller]
    fn check(grant: Grant<'_>, info: &str, signature_hex: &str, token: &str) {
        let built = signing_info(APP_ID, ISSUED_AT, 600, 1, grant);
        assert_eq!(hex(&built), info);
        let signed = signature(CERTIFICATE, ISSUED_AT, 1, &built);
        assert_eq!(hex(&signed), signature_hex);
        // Deflate differs between libraries: the tokens need not be equal, their content must.
        assert_eq!(hex(&inflated(&pack(&signed, &built))), hex(&inflated(token)));
    }

    #[test]
    fn the_key_is_the_vendors() {
        let by_time = hmac(&ISSUED_AT.to_le_bytes(), CERTIFICATE.as_bytes());
        let key = hmac(&1_u32.to_le_bytes(), &by_time);
        assert_eq!(hex(&key), "cee2fa8dcbe868c30ca8c959d97fad4a5049c634da48449f1b8f59c14fa61073");
    }

    #[test]
    fn an_app_token_is_the_vendors() {
        check(
            Grant { privilege: APP, user: "" },
            "2000393730434133356465363063343436343562626165386132313530363162333347f4100058020000010000000100050001000200580200000000",
            "2d6e85c3436f1811bc2c43173bf34eaa047d5e896abd4ef54c654110c0fade50",
            "007eJxTYNDNaz3snC8huEfHWdz6s98qltq4zqy9fl99Uh0FDvy6F6DAYGlu4OxobJqSamaQbGJiZmKalJSYapFoZGhqYGaYZGzs/kWAIYKJgYGRAYRZgZgJzGdgAACt8hhr",
        );
    }

    #[test]
    fn a_user_token_is_the_vendors() {
        check(
            Grant { privilege: USER, user: "2882341273" },
            "2000393730434133356465363063343436343562626165386132313530363162333347f4100058020000010000000100050001000100580200000a0032383832333431323733",
            "28523b422bbfe03ceee4d0caef59d686fe2518eb70077dda27cdfcd448ff64ae",
            "007eJxTYNAIsnbS3v/A5t2TC6feR15r+6cq8bqAvfaW+tk/Vzz+p6xTYLA0N3B2NDZNSTUzSDYxMTMxTUpKTLVINDI0NTAzTDI2dv8iwBDBxMDAyADCrEDMCOZzMRhZWBgZmxgamRsDAB+lHrg=",
        );
    }

    #[test]
    fn a_token_for_use_is_signed_over_what_it_says() {
        let content = inflated(&app_token(APP_ID, CERTIFICATE, 1_773_480_000, LARGEST_SALT));
        let (signed, info) = content.split_at(34);
        assert_eq!(signed[..2], 32_u16.to_le_bytes());
        assert_eq!(signed[2..], signature(CERTIFICATE, 1_773_480_000, LARGEST_SALT, info));
        assert_eq!(info[38..42], LIFE_S.to_le_bytes());
    }
}
