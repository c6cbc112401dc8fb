//! The body of the self-contained form: its fields in order, encrypted by AES-256-CTR.

use aes::Aes256;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ctr::{
    CtrCore,
    cipher::{InnerIvInit, StreamCipher, StreamCipherCoreWrapper},
    flavors,
};
use zeroize::Zeroizing;

use crate::matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId};

use super::claims::{ClaimsError, LinkClaims, MAX_TEXT_BYTES};

const EVENT_ID: u8 = 1;
const CONTENT_TOKEN: u8 = 2;
const ENCRYPTED_FILE: u8 = 4;
const MIME_TYPE: u8 = 8;
const FILE_NAME: u8 = 16;
const ALL_FLAGS: u8 = EVENT_ID | CONTENT_TOKEN | ENCRYPTED_FILE | MIME_TYPE | FILE_NAME;

/// A hash identifier is `sigil` and this many characters of base64url.
const HASH_CHARS: usize = 43;

/// Encrypts or decrypts a body in place: CTR is its own inverse.
pub(super) fn crypt(enc: &Aes256, nonce: &[u8; 12], body: &mut [u8]) {
    let mut block = [0; 16];
    block[..12].copy_from_slice(nonce);
    let counter = CtrCore::<&Aes256, flavors::Ctr128BE>::inner_iv_init(enc, &block.into());
    StreamCipherCoreWrapper::from_core(counter).apply_keystream(body);
}

/// Writes the fields of a body.
pub(super) fn encode(claims: &LinkClaims) -> Result<Zeroizing<Vec<u8>>, ClaimsError> {
    let flag = |present: bool, flag: u8| if present { flag } else { 0 };
    // Room for the longest body, so that no part of a secret stays behind in a grown buffer.
    let mut out = Zeroizing::new(Vec::with_capacity(2048));
    out.push(
        flag(claims.event_id.is_some(), EVENT_ID)
            | flag(claims.content_token.is_some(), CONTENT_TOKEN)
            | flag(claims.file.is_some(), ENCRYPTED_FILE)
            | flag(claims.mimetype.is_some(), MIME_TYPE)
            | flag(claims.filename.is_some(), FILE_NAME),
    );
    put_identifier(&mut out, claims.room_id.as_str(), "room_id")?;
    if let Some(event_id) = &claims.event_id {
        put_identifier(&mut out, event_id.as_str(), "event_id")?;
    }
    put_text(&mut out, claims.mxc.server_name(), "mxc")?;
    put_text(&mut out, claims.mxc.media_id(), "mxc")?;
    if let Some(token) = &claims.content_token {
        put_text(&mut out, token.expose(), "content_token")?;
    }
    if let Some(file) = &claims.file {
        out.extend_from_slice(&file.key);
        out.extend_from_slice(&file.iv);
        out.extend_from_slice(&file.sha256);
    }
    if let Some(mimetype) = &claims.mimetype {
        put_text(&mut out, mimetype, "mimetype")?;
    }
    if let Some(filename) = &claims.filename {
        put_text(&mut out, filename, "filename")?;
    }
    Ok(out)
}

fn put_text(out: &mut Vec<u8>, text: &str, what: &'static str) -> Result<(), ClaimsError> {
    match u8::try_from(text.len()) {
        Ok(len @ 1..) => {
            out.push(len);
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        _ => Err(ClaimsError::TextLength(what)),
    }
}

fn put_identifier(out: &mut Vec<u8>, id: &str, what: &'static str) -> Result<(), ClaimsError> {
    let rest = &id[1..];
    match hash_of(rest) {
        Some(hash) => {
            out.push(0);
            out.extend_from_slice(&hash);
            Ok(())
        }
        None => put_text(out, rest, what),
    }
}

/// The 32 bytes that an identifier stands for, if it is 43 characters of canonical base64url.
fn hash_of(rest: &str) -> Option<[u8; 32]> {
    if rest.len() != HASH_CHARS {
        return None;
    }
    let mut hash = [0; 32];
    (URL_SAFE_NO_PAD.decode_slice(rest, &mut hash).ok()? == 32).then_some(hash)
}

/// Reads the fields of a body; `None` unless it is the one right coding of some claims.
pub(super) fn decode(body: &[u8]) -> Option<LinkClaims> {
    let mut rest = body;
    let [flags] = *take(&mut rest)?;
    if flags & !ALL_FLAGS != 0 {
        return None;
    }
    let has = |flag: u8| flags & flag != 0;
    let room_id = RoomId::parse(&take_identifier(&mut rest, '!')?).ok()?;
    let event_id = match has(EVENT_ID) {
        true => Some(EventId::parse(&take_identifier(&mut rest, '$')?).ok()?),
        false => None,
    };
    let server_name = take_text(&mut rest)?;
    let mxc = MxcUri::from_parts(server_name, take_text(&mut rest)?).ok()?;
    let content_token = match has(CONTENT_TOKEN) {
        true => Some(ContentToken::parse(take_text(&mut rest)?).ok()?),
        false => None,
    };
    let file = match has(ENCRYPTED_FILE) {
        true => Some(FileKeys {
            key: *take(&mut rest)?,
            iv: *take(&mut rest)?,
            sha256: *take(&mut rest)?,
        }),
        false => None,
    };
    let mimetype = match has(MIME_TYPE) {
        true => Some(take_text(&mut rest)?.to_owned()),
        false => None,
    };
    let filename = match has(FILE_NAME) {
        true => Some(take_text(&mut rest)?.to_owned()),
        false => None,
    };
    rest.is_empty().then_some(LinkClaims {
        room_id,
        event_id,
        mxc,
        content_token,
        file,
        mimetype,
        filename,
    })
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(first)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let [len] = *take(rest)?;
    if len == 0 {
        return None;
    }
    let (text, after) = rest.split_at_checked(usize::from(len))?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

fn take_identifier(rest: &mut &[u8], sigil: char) -> Option<String> {
    if rest.first() == Some(&0) {
        take::<1>(rest)?;
        let hash: &[u8; 32] = take(rest)?;
        let mut text = String::with_capacity(1 + HASH_CHARS);
        text.push(sigil);
        URL_SAFE_NO_PAD.encode_string(hash, &mut text);
        return Some(text);
    }
    let text = take_text(rest)?;
    // The one right coding of a hash is the hash.
    hash_of(text).is_none().then(|| format!("{sigil}{text}"))
}

// The length of a text is one byte.
const _: () = assert!(MAX_TEXT_BYTES == u8::MAX as usize);
