//! Answers from objects of the cache, whole ones and those that are still being fetched.

use bytes::Bytes;

use medialink_link::matrix::FileKeys;

use super::{
    MediaBody,
    answer::{Media, describe, safe_headers},
    cache::{CachedObject, ObjectSource, ReadError},
    cached_body::{ByteSpan, Fallback, first_bytes, stream},
    decision::{Decision, RequestConditions, decide},
    object_key::ObjectKey,
    order::Order,
    reopen::Reopen,
    sniff::SNIFFED_BYTES,
};

/// Answers from an object; `reopen` opens the rest if the cache fails on the way.
pub(super) async fn answer<R: Reopen + Clone + 'static>(
    object: CachedObject,
    key: &ObjectKey,
    order: &Order,
    request: &RequestConditions<'_>,
    reopen: &R,
) -> Result<Media, ReadError> {
    let (head, mut source, length) = match object {
        CachedObject::Whole(head, source, length) => (head, source, Some(length)),
        CachedObject::Growing(mut reader) => {
            let head = reader.head().await?;
            let length = head.length;
            (head, ObjectSource::Growing(reader), length)
        }
    };
    let representation = describe(order, key, &head, length, true);
    let decision = decide(&representation, request);
    let keys = order.cache_keys();
    let first = sniffed(&mut source, decision, keys.as_ref()).await?;
    let fallback = || Fallback {
        reopen: reopen.clone(),
        key: *key,
        order: order.clone(),
        length,
    };
    let body = match decision {
        Decision::Whole => stream(source, ByteSpan::ALL, keys.as_ref(), fallback()),
        Decision::Part { first, last } => {
            stream(source, ByteSpan::of(first, last), keys.as_ref(), fallback())
        }
        Decision::Head | Decision::NotModified | Decision::Unsatisfiable => MediaBody::empty(),
    };
    Ok(Media {
        decision,
        representation,
        headers: safe_headers(order, &head, first.as_deref()),
        body,
        is_download: false,
    })
}

/// The first bytes of media whose content is described; they are not read for other answers.
async fn sniffed(
    source: &mut ObjectSource,
    decision: Decision,
    keys: Option<&FileKeys>,
) -> Result<Option<Bytes>, ReadError> {
    if let (Decision::Part { .. }, Some(_), ObjectSource::Growing(reader)) =
        (decision, keys, &mut *source)
    {
        // No part of encrypted media before all of it is known to be genuine.
        reader.ended().await?;
    }
    if !decision.describes_content() {
        return Ok(None);
    }
    first_bytes(source, SNIFFED_BYTES, keys).await.map(Some)
}
