//! Links that change while they live. All of this fails only if the database does.

use medialink_event::Appearance;
use medialink_link::{LinkClaims, matrix::EventId};

use super::{
    super::{
        StorageError,
        engine::{Connection, query},
        room_policies::RoomPolicy,
    },
    columns::{duration, file_secret, is_spoiler, warning},
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
        "UPDATE links SET file = $1, filename = $2, mimetype = $3, media_reference_id = $4, expires_at = $5, \
         renewed_at = COALESCE($6, renewed_at), width = $7, height = $8, duration_ms = $9, blurhash = $10, \
         warning = $11, is_spoiler = $12, shown_by = $13 WHERE id = $14",
    )
    .bind(file_secret(
        claims.file.as_ref(),
        renewal.media_reference_id,
    ))
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
    .bind(is_spoiler(appearance))
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
         WHERE room = (SELECT id FROM matrix_ids WHERE matrix_id = $4) AND state = 'live' \
         AND (max_size IS DISTINCT FROM $1 OR pages_only <> $2 \
         OR COALESCE(expires_at > COALESCE(renewed_at, issued_at) + $3, $3 IS NOT NULL))",
    )
    .bind(policy.max_size)
    .bind(i64::from(policy.pages_only))
    .bind(policy.max_lifetime_s().map(|seconds| seconds * 1000))
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}
