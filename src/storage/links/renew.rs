//! Links that change while they live. All of this fails only if the database does.

use medialink_event::Appearance;
use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, EventId},
};

use super::{
    super::{
        StorageError,
        engine::{Connection, query},
        room_policies::RoomPolicy,
    },
    columns::{duration, file_bytes, is_spoiler, warning},
};

/// A link as a repeated request leaves it.
#[derive(Debug)]
pub struct Renewal<'a> {
    /// Media, room and event, with the secrets to get the media.
    pub claims: &'a LinkClaims,
    /// How its event presents the media.
    pub appearance: &'a Appearance,
    /// The edit that brought the media, if one did.
    pub shown_by: Option<&'a EventId>,
    /// The usage of media that it is part of.
    pub media_reference_id: i64,
    /// Milliseconds since the epoch; `None`: never.
    pub expires_at: Option<i64>,
    /// Since when its lifetime counts, if the request names one.
    pub renewed_at: Option<i64>,
}

/// Stores the changes of a repeated request.
pub(in crate::storage) async fn update(
    connection: &mut Connection,
    id: i64,
    renewal: &Renewal<'_>,
) -> Result<(), StorageError> {
    let Renewal {
        claims, appearance, ..
    } = renewal;
    query(
        "UPDATE links SET content_token = $1, file = $2, filename = $3, mimetype = $4, \
         media_reference_id = $5, expires_at = $6, renewed_at = COALESCE($7, renewed_at), \
         width = $8, height = $9, duration_ms = $10, blurhash = $11, warning = $12, is_spoiler = $13, shown_by = $14 WHERE id = $15",
    )
    .bind(
        claims
            .content_token
            .as_ref()
            .map_or("", ContentToken::expose),
    )
    .bind(claims.file.as_ref().map(file_bytes))
    .bind(&claims.filename)
    .bind(&claims.mimetype)
    .bind(renewal.media_reference_id)
    .bind(renewal.expires_at)
    .bind(renewal.renewed_at)
    .bind(appearance.width)
    .bind(appearance.height)
    .bind(duration(appearance))
    .bind(&appearance.blurhash)
    .bind(warning(appearance))
    .bind(i64::from(is_spoiler(appearance)))
    .bind(renewal.shown_by.map_or("", EventId::as_str))
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Has a link that has expired, or whose event was redacted, live on.
pub async fn revive(connection: &mut Connection, id: i64) -> Result<(), StorageError> {
    query(
        "UPDATE links SET state = 'live', ended_at = NULL \
         WHERE id = $1 AND state IN ('expired', 'redacted')",
    )
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Bounds the live links of a room, of every bridge, by its policy: their expiry comes no later,
/// the rest is as the policy says now.
pub async fn bound_by(
    connection: &mut Connection,
    room_id: &str,
    policy: &RoomPolicy,
) -> Result<(), StorageError> {
    query(
        "UPDATE links SET max_size = $1, pages_only = $2, expires_at = CASE \
         WHEN expires_at <= COALESCE(renewed_at, issued_at) + $3 OR $3 IS NULL THEN expires_at \
         ELSE COALESCE(renewed_at, issued_at) + $3 END \
         WHERE room_id = $4 AND state = 'live'",
    )
    .bind(policy.max_size)
    .bind(i64::from(policy.pages_only))
    .bind(policy.max_lifetime_s().map(|seconds| seconds * 1000))
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}
