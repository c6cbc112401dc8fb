//! Answers from objects of the cache, whole ones and those that are still being fetched.

use std::time::Duration;

use bytes::Bytes;

use medialink_link::matrix::FileKeys;

use super::{
    MediaBody,
    answer::{Media, describe, safe_headers},
    cache::{CachedObject, ObjectSource, ReadError},
    cached_body::{ByteSpan, Fallback, first_bytes, stream},
    decision::{Decision, RequestConditions, decide_of_arrived},
    object_key::ObjectKey,
    order::Order,
    reopen::Reopen,
    sniff::SNIFFED_BYTES,
};

/// How long the answer to a range waits for the length of media that was announced without one.
/// Players that probe with a range give up if they get the whole.
const LENGTH_WITHIN: Duration = Duration::from_secs(3);

/// Answers from an object; `reopen` opens the rest if the cache fails on the way.
pub(super) async fn answer<R: Reopen + Clone + 'static>(
    object: CachedObject,
    key: &ObjectKey,
    order: &Order,
    request: &RequestConditions<'_>,
    reopen: &R,
) -> Result<Media, ReadError> {
    let keys = order.cache_keys();
    let (head, mut source, length, arrived) = match object {
        CachedObject::Whole(head, source, length) => (head, source, Some(length), length),
        CachedObject::Growing(mut reader) => {
            let head = reader.head().await?;
            let mut length = head.length;
            // It decides about parts of the media, and about a bound of its room.
            let is_needed =
                request.needs_length() && !order.whole_only || order.max_bytes.is_some();
            if length.is_none() && is_needed {
                length = reader.length_within(LENGTH_WITHIN).await?;
            }
            // No part of encrypted media before all of it is known to be genuine.
            let arrived = keys.as_ref().map_or_else(|| reader.arrived(), |_| 0);
            (head, ObjectSource::Growing(reader), length, arrived)
        }
    };
    let representation = describe(order, key, &head, length, true);
    let decision = decide_of_arrived(&representation, request, arrived);
    let first = match sniffed(&mut source, decision, keys.as_ref()).await {
        // A head promises no body: that it breaks off shows to those who ask for it.
        Err(ReadError::Media(_)) if decision == Decision::Head => None,
        first => first?,
    };
    let fallback = || Fallback {
        reopen: reopen.clone(),
        key: *key,
        order: order.clone(),
        length,
    };
    let body = match decision {
        Decision::Whole => stream(source, ByteSpan::ALL, keys.as_ref(), fallback),
        Decision::Part { first, last } => {
            stream(source, ByteSpan::of(first, last), keys.as_ref(), fallback)
        }
        _ => MediaBody::empty(),
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
