//! Media, ready to be sent: a decision about how much of it, its headers and its bytes.

use bytes::Bytes;
use medialink_event::canonical_type;

use crate::homeserver::MediaVariant;

use super::{
    MediaBody, SafeHeaders,
    decision::{Decision, Representation, RequestConditions, decide},
    head::MediaHead,
    headers::UNKNOWN_TYPE,
    object_key::ObjectKey,
    order::Order,
    sniff::SNIFFED_BYTES,
};

/// Media, ready to be sent.
pub struct Media {
    /// How much of it the body holds.
    pub decision: Decision,
    /// The whole, whichever part is sent.
    pub representation: Representation,
    /// Its type, and how it is to be shown.
    pub headers: SafeHeaders,
    /// The bytes of the decision; empty where it sends none.
    pub body: MediaBody,
    /// Whether the homeserver was asked for it.
    pub is_download: bool,
}

impl Media {
    /// Bytes that are held whole, as far as a request asks for them.
    pub(super) fn of_bytes(
        order: &Order,
        representation: Representation,
        request: &RequestConditions<'_>,
        head: &MediaHead,
        bytes: Bytes,
    ) -> Self {
        let decision = decide(&representation, request);
        let headers = safe_headers(order, head, Some(&bytes));
        let body = match decision {
            Decision::Whole => MediaBody::Whole(bytes),
            Decision::Part { first, last } => MediaBody::Whole(bytes).part(first, last - first + 1),
            _ => MediaBody::empty(),
        };
        Self {
            decision,
            representation,
            headers,
            body,
            is_download: false,
        }
    }

    /// Whether it may be longer than this: media of unknown length may be.
    pub(super) fn may_exceed(&self, max_bytes: u64) -> bool {
        self.decision.describes_content()
            && self
                .representation
                .length
                .is_none_or(|length| length > max_bytes)
    }
}

/// Describes an object. `can_be_cut`: whether ranges of its bytes can be served.
pub(super) fn describe(
    order: &Order,
    key: &ObjectKey,
    head: &MediaHead,
    length: Option<u64>,
    can_be_cut: bool,
) -> Representation {
    Representation {
        etag: key.etag(head.length),
        last_modified: head.last_modified.clone(),
        length,
        has_ranges: can_be_cut && !order.whole_only,
    }
}

/// Of plain media the homeserver knows the type; of encrypted media only the event did. The file
/// name is the link's, or else the homeserver's; a thumbnail is another file and has none.
pub(super) fn safe_headers(
    order: &Order,
    head: &MediaHead,
    first_bytes: Option<&[u8]>,
) -> SafeHeaders {
    let first_bytes = first_bytes.map(|bytes| &bytes[..bytes.len().min(SNIFFED_BYTES)]);
    let claims = &order.claims;
    let from_homeserver = head
        .content_type
        .as_deref()
        .filter(|kind| canonical_type(kind) != UNKNOWN_TYPE);
    if order.variant != MediaVariant::Original {
        return SafeHeaders::judge(from_homeserver, first_bytes, None);
    }
    let declared = match claims.file {
        Some(_) => claims.mimetype.as_deref(),
        None => from_homeserver.or(claims.mimetype.as_deref()),
    };
    SafeHeaders::judge(
        declared,
        first_bytes,
        claims.filename.as_deref().or(head.filename.as_deref()),
    )
}
