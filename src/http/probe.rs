//! What a follow looks like from here, for whoever looks for faults of a proxy in front: told to those alone who know
//! the `api_token` of the link's bridge.

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderName, HeaderValue},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{config::Secret, limits::Limits, links::Grant};

use super::public_request::PublicRequest;

/// The header of a request with a [`proof`].
pub const PROBE: &str = "medialink-probe";
/// The header of its answer: a JSON object of `peer`, the address that has connected, `client`, the network that is
/// counted, and `told`, the lines of the header about the client.
pub const SEEN: &str = "medialink-seen";

/// The most bytes that are told of the header about the client.
const MOST_TOLD: usize = 200;
/// What sets this use of an `api_token` apart from all others.
const PURPOSE: &[u8] = b"medialink probe\0";

/// Shows that somebody knows the `api_token` of a link's bridge, without telling it.
#[must_use]
pub fn proof(api_token: &Secret, link_id: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(api_token.expose().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(PURPOSE);
    mac.update(link_id.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// Tells in an answer what the request looks like, if it shows such a proof.
pub(super) fn tell(
    response: &mut HttpResponse,
    request: &PublicRequest,
    grant: &Grant,
    limits: &Limits,
) {
    let Some(shown) = request.headers().get(PROBE) else {
        return;
    };
    let proof = proof(&grant.bridge.api_token, &grant.link.link_id);
    if !bool::from(proof.as_bytes().ct_eq(shown.as_bytes())) {
        return;
    }
    let told: Vec<&str> = request
        .headers()
        .get_all(limits.proxy_header())
        .filter_map(|line| line.to_str().ok())
        .collect();
    let mut told = told.join(", ");
    told.truncate(told.floor_char_boundary(MOST_TOLD));
    let peer = request.head().peer_addr.map(|peer| peer.ip().to_string());
    let client = request.reader(limits).to_string();
    let seen = json!({"peer": peer, "client": client, "told": told});
    if let Ok(seen) = HeaderValue::from_str(&seen.to_string()) {
        let name = HeaderName::from_static(SEEN);
        response.headers_mut().insert(name, seen);
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
    }
}
