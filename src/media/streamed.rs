//! Answers straight from the homeserver, past the cache.

use bytes::Bytes;

use super::{
    MediaBody, MediaError,
    answer::{Media, describe, safe_headers},
    body::PIECE_BYTES,
    decision::{Decision, Representation, RequestConditions, decide},
    decrypt::Decryption,
    fetch::Fetcher,
    head::MediaHead,
    limited::LimitedBody,
    object_key::ObjectKey,
    order::Order,
    sniff::SNIFFED_BYTES,
    upstream::{DownloadAnswer, FetchedMedia},
};

/// Asks the homeserver whether the client has the media already, without fetching it. `None`: it
/// has not.
pub(super) async fn unmodified(
    fetcher: &Fetcher,
    key: &ObjectKey,
    order: &Order,
    request: &RequestConditions<'_>,
) -> Result<Option<Media>, MediaError> {
    let DownloadAnswer::Whole(FetchedMedia { head, .. }) = fetcher.ask(order, true, None).await?
    else {
        return Ok(None);
    };
    let representation = Representation {
        // Ranges are announced before the length is known: the next request may get them.
        has_ranges: !order.whole_only,
        ..describe(order, key, &head, head.length, true)
    };
    let decision = decide(&representation, request);
    Ok((decision == Decision::NotModified).then(|| Media {
        decision,
        representation,
        headers: safe_headers(order, &head, None),
        body: MediaBody::empty(),
        is_download: true,
    }))
}

/// Streams media from the homeserver.
pub(super) async fn stream(
    fetcher: &Fetcher,
    key: &ObjectKey,
    order: &Order,
    request: &RequestConditions<'_>,
) -> Result<Media, MediaError> {
    if request.may_be_unmodified()
        && !request.is_head
        && let Some(media) = unmodified(fetcher, key, order, request).await?
    {
        return Ok(media);
    }
    // Ciphertext is verified from its first byte to its last, so no range of it is served.
    let can_be_cut = order.claims.file.is_none();
    let describe = |head: &MediaHead| describe(order, key, head, head.length, can_be_cut);
    let range = request
        .range_to_forward()
        .filter(|_| can_be_cut && !order.whole_only);
    let (representation, head, opened) = match fetcher.ask(order, request.is_head, range).await? {
        DownloadAnswer::Unsatisfiable(head) => {
            let opened = Opened::nothing(Decision::Unsatisfiable);
            (describe(&head), head, opened)
        }
        DownloadAnswer::Part(part, first, last) => {
            let opened = Opened::part(part.body, first, last).await?;
            (describe(&part.head), part.head, opened)
        }
        DownloadAnswer::Whole(whole) => {
            let representation = describe(&whole.head);
            let decision = decide(&representation, request);
            let decryption = order.claims.file.as_ref().map(Decryption::new);
            let body = MediaBody::of_homeserver(whole.body, decryption);
            let opened = Opened::of_whole(body, decision, whole.head.length).await?;
            (representation, whole.head, opened)
        }
    };
    Ok(Media {
        decision: opened.decision,
        representation,
        headers: safe_headers(order, &head, opened.first_bytes.as_deref()),
        body: opened.body,
        is_download: true,
    })
}

/// A body that is ready to be sent, and the first bytes of the media, where it holds them.
struct Opened {
    decision: Decision,
    body: MediaBody,
    first_bytes: Option<Bytes>,
}

impl Opened {
    fn nothing(decision: Decision) -> Self {
        Self {
            decision,
            body: MediaBody::empty(),
            first_bytes: None,
        }
    }

    /// A part that the homeserver has cut out.
    async fn part(body: LimitedBody, first: u64, last: u64) -> Result<Self, MediaError> {
        let needed = if first == 0 { SNIFFED_BYTES } else { 1 };
        let (bytes, body) = MediaBody::of_homeserver(body, None).begun(needed).await?;
        Ok(Self {
            decision: Decision::Part { first, last },
            body,
            first_bytes: (first == 0).then_some(bytes),
        })
    }

    /// As much of the whole as was decided.
    async fn of_whole(
        body: MediaBody,
        decision: Decision,
        length: Option<u64>,
    ) -> Result<Self, MediaError> {
        let part = match decision {
            Decision::Whole => None,
            Decision::Part { first, last } => Some((first, last - first + 1)),
            Decision::Head | Decision::NotModified | Decision::Unsatisfiable => {
                return Ok(Self::nothing(decision));
            }
        };
        // Small media comes whole, and leaves in one piece.
        let small = length.filter(|length| *length <= PIECE_BYTES as u64);
        let all = small.and_then(|length| usize::try_from(length).ok());
        let needed = all.map_or(SNIFFED_BYTES, |length| length + 1);
        let (first_bytes, body) = body.begun(needed).await?;
        Ok(Self {
            decision,
            body: match part {
                None => body,
                Some((from, count)) => body.part(from, count),
            },
            first_bytes: Some(first_bytes),
        })
    }
}
