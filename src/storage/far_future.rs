//! Times in the future that no wait explains: a clock that was ahead for long has left them, and they
//! would put work off for as long as it was ahead.

use super::{
    StorageError,
    engine::{Connection, query},
};

/// No wait is longer, but for those that the configuration names, in milliseconds.
const LONGEST_MS: i64 = 86_400_000;

/// No claim holds longer, and its room waits for it, in milliseconds.
const LONGEST_CLAIM_MS: i64 = 600_000;

/// The waits that nothing makes longer than [`LONGEST_MS`].
const SHORT_WAITS: [&str; 10] = [
    "UPDATE meta_events SET next_attempt_at = $1 WHERE next_attempt_at > $2 AND claimed_until IS NULL",
    "UPDATE meta_events SET next_attempt_at = $1 WHERE next_attempt_at > $2 AND claimed_until IS NOT NULL",
    "UPDATE media_references SET pending_at = $1 WHERE pending_at > $2 AND state = 'pending'",
    "UPDATE resting_rooms SET rests_until = $1 WHERE rests_until > $2",
    "UPDATE room_successors SET check_at = $1 WHERE check_at > $2",
    "UPDATE room_policies SET next_ask_at = $1 WHERE next_ask_at > $2",
    "UPDATE questioned_rooms SET next_ask_at = $1 WHERE next_ask_at > $2",
    "UPDATE cache_purges SET purge_at = $1 WHERE purge_at > $2",
    "UPDATE front_purges SET next_attempt_at = $1 WHERE next_attempt_at > $2",
    "UPDATE own_uploads SET next_attempt_at = $1 WHERE next_attempt_at > $2",
];

/// Waits that the configuration names, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct ConfiguredWaits {
    /// How long media may stay counted after its links.
    pub release_after: i64,
    /// How often media is touched; `None`: never.
    pub touch: Option<i64>,
}

/// Has work done now that waits for a time which is too far in the future, and takes nothing to have
/// happened in the future.
///
/// # Errors
/// If the database fails.
pub async fn pull_back(
    connection: &mut Connection,
    waits: ConfiguredWaits,
    now: i64,
) -> Result<(), StorageError> {
    let at_most = |wait: i64| now.saturating_add(wait).saturating_add(LONGEST_MS);
    let short = SHORT_WAITS.map(|statement| (statement, at_most(0)));
    let others = [
        (
            "UPDATE meta_events SET claimed_until = $1 WHERE claimed_until > $2",
            now.saturating_add(LONGEST_CLAIM_MS),
        ),
        (
            "UPDATE meta_events SET review_at = $1 WHERE review_at > $2",
            at_most(waits.release_after),
        ),
        (
            "UPDATE open_questions SET noted_at = $1 WHERE noted_at > $2",
            now,
        ),
        (
            "UPDATE touches SET next_touch_at = $1 WHERE next_touch_at > $2 AND waits_for_follow = 0",
            at_most(waits.touch.unwrap_or(i64::MAX)),
        ),
        (
            "UPDATE touches SET next_touch_at = $1 WHERE next_touch_at > $2 AND waits_for_follow = 1",
            at_most(waits.touch.unwrap_or(i64::MAX)),
        ),
        (
            "UPDATE missing_media SET ask_at = $1 WHERE ask_at > $2",
            at_most(waits.touch.unwrap_or(0)),
        ),
        (
            "UPDATE compared_rooms SET compared_at = $1 WHERE compared_at > $2",
            now,
        ),
        (
            "UPDATE room_policies SET known_at = $1 WHERE known_at > $2",
            now,
        ),
    ];
    for (statement, latest) in short.into_iter().chain(others) {
        query(statement)
            .bind(now)
            .bind(latest)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
