//! Files of messages: `POST …/chatfiles` and `GET …/chatfiles/{uuid}` (protocol sections 7 and 8).

mod download;
mod thumbnail;
mod upload;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::state::State;

pub(crate) use download::download;
pub(crate) use upload::upload;

/// The secret of a file: nothing is stored, so it outlives a restart.
fn secret(state: &State, uuid: &str) -> String {
    let key = state.options().credentials.app_certificate.reveal();
    let mac: Hmac<Sha256> = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    let signature = mac.chain_update("chatfile").chain_update(uuid).finalize().into_bytes();
    URL_SAFE_NO_PAD.encode(signature.split_at(SECRET_BYTES).0)
}

/// Twelve characters.
const SECRET_BYTES: usize = 9;
