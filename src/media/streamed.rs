//! Answers straight from the homeserver, past the cache.

use bytes::Bytes;

use super::{
    MediaBody, MediaError,
    answer::{Media, describe, safe_headers},
    body::PIECE_BYTES,
    decision::{self, Decision, Representation, RequestConditions, decide, decide_of_arrived},
    decrypt::Decryption,
    fetch::Fetcher,
    head::MediaHead,
    object_key::ObjectKey,
    order::Order,
    sniff::SNIFFED_BYTES,
    upstream::{DownloadAnswer, FetchedMedia},
};

/// The most bytes of a body that are read and thrown away for a range after them: of a homeserver
/// that gives the whole, more is given as it is.
const MAX_SKIPPED_BYTES: u64 = 8 << 20;

/// Asks the homeserver whether the preconditions are against an answer with media, without fetching
/// it. `None`: they are not. `can_be_cut`: whether ranges of it can be served.
pub(super) async fn without_media(
    fetcher: &Fetcher,
    key: &ObjectKey,
    order: &Order,
    request: &RequestConditions<'_>,
    can_be_cut: bool,
) -> Result<Option<Media>, MediaError> {
    let DownloadAnswer::Whole(FetchedMedia { head, .. }) = fetcher.ask(order, true, None).await?
    else {
        return Ok(None);
    };
    let representation = describe(order, key, &head, head.length, can_be_cut);
    let decision = decision::without_media(&representation, request);
    Ok(decision.map(|decision| Media {
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
    // Ciphertext is verified from its first byte to its last, so no range of it is served.
    let can_be_cut = order.claims.file.is_none();
    if request.preconditions.is_any()
        && !request.is_head
        && let Some(media) = without_media(fetcher, key, order, request, can_be_cut).await?
    {
        return Ok(media);
    }
    let describe = |head: &MediaHead| describe(order, key, head, head.length, can_be_cut);
    let (head, opened) = match ask(fetcher, order, request, describe).await? {
        DownloadAnswer::Unsatisfiable(head) => {
            let opened = Opened::nothing(Decision::Unsatisfiable, head.length);
            (head, opened)
        }
        DownloadAnswer::Part(part, first, last) => Opened::part(part, first, last).await?,
        DownloadAnswer::Whole(FetchedMedia { head, body, .. }) => {
            let representation = describe(&head);
            let decryption = order.claims.file.as_ref().map(Decryption::new);
            let body = MediaBody::of_homeserver(body, decryption);
            let needs_length = request.needs_length() || order.max_bytes.is_some();
            let opened = Opened::of_whole(body, &representation, request, needs_length).await?;
            (head, opened)
        }
    };
    Ok(Media {
        decision: opened.decision,
        representation: Representation {
            length: opened.length,
            ..describe(&head)
        },
        headers: safe_headers(order, &head, opened.first_bytes.as_deref()),
        body: opened.body,
        is_download: true,
    })
}

/// Asks for the range of a request, or for the whole. Only the answer shows whether the validator of
/// `If-Range` is the media's: where it is not, the whole is asked for.
async fn ask(
    fetcher: &Fetcher,
    order: &Order,
    request: &RequestConditions<'_>,
    describe: impl Fn(&MediaHead) -> Representation,
) -> Result<DownloadAnswer, MediaError> {
    let is_cut = order.claims.file.is_none() && !order.whole_only && !request.is_head;
    let answer = fetcher
        .ask(order, false, request.range.filter(|_| is_cut))
        .await?;
    let head = match &answer {
        DownloadAnswer::Whole(_) => return Ok(answer),
        DownloadAnswer::Part(FetchedMedia { head, .. }, ..) => head,
        DownloadAnswer::Unsatisfiable(head) => head,
    };
    if request.range_of(&describe(head)).is_some() {
        return Ok(answer);
    }
    drop(answer);
    fetcher.ask(order, false, None).await
}

/// A body that is ready to be sent, and what its beginning has shown.
struct Opened {
    decision: Decision,
    body: MediaBody,
    /// The first bytes of the media, where they are among those that were read.
    first_bytes: Option<Bytes>,
    /// The length of the whole, as far as it is known by now.
    length: Option<u64>,
}

impl Opened {
    fn nothing(decision: Decision, length: Option<u64>) -> Self {
        Self {
            decision,
            body: MediaBody::empty(),
            first_bytes: None,
            length,
        }
    }

    /// A part that the homeserver has cut out.
    async fn part(
        part: FetchedMedia,
        first: u64,
        last: u64,
    ) -> Result<(MediaHead, Self), MediaError> {
        let FetchedMedia { head, body, .. } = part;
        let needed = if first == 0 { SNIFFED_BYTES } else { 1 };
        let (bytes, body) = MediaBody::of_homeserver(body, None).begun(needed).await?;
        let opened = Self {
            decision: Decision::Part { first, last },
            body,
            first_bytes: (first == 0).then_some(bytes),
            length: head.length,
        };
        Ok((head, opened))
    }

    /// As much of the whole as a request gets. `needs_length`: that of small media is found out.
    async fn of_whole(
        body: MediaBody,
        media: &Representation,
        request: &RequestConditions<'_>,
        needs_length: bool,
    ) -> Result<Self, MediaError> {
        let decision = decide(media, request);
        if !decision.describes_content() {
            return Ok(Self::nothing(decision, media.length));
        }
        let begun = body.begun(needed(media, needs_length)).await;
        let (first_bytes, body) = match begun {
            // A head promises no body: that it breaks off shows to those who ask for it.
            Err(_) if decision == Decision::Head => {
                return Ok(Self::nothing(decision, media.length));
            }
            begun => begun?,
        };
        let arrived = first_bytes.len() as u64;
        let known = Representation {
            length: media.length.or(match &body {
                MediaBody::Whole(_) if needs_length => Some(arrived),
                _ => None,
            }),
            ..media.clone()
        };
        let decision = match decide_of_arrived(&known, request, arrived) {
            Decision::Part { first, .. } if first > MAX_SKIPPED_BYTES => Decision::Whole,
            decision => decision,
        };
        let body = match decision {
            Decision::Whole => body,
            Decision::Part { first, last } => body.part(first, last - first + 1),
            _ => MediaBody::empty(),
        };
        Ok(Self {
            decision,
            body,
            first_bytes: Some(first_bytes),
            length: known.length,
        })
    }
}

/// How many of the first bytes are needed before the answer begins. Small media comes whole, and
/// leaves in one piece; of media without a length, more than a piece shows that it is not small.
fn needed(media: &Representation, needs_length: bool) -> usize {
    let small = media.length.filter(|length| *length <= PIECE_BYTES as u64);
    match small.and_then(|length| usize::try_from(length).ok()) {
        Some(length) => length + 1,
        None if media.length.is_none() && needs_length => PIECE_BYTES + 1,
        None => SNIFFED_BYTES,
    }
}
