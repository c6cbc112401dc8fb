//! Whether and when a request is worth another attempt.

use crate::homeserver::HomeserverError;

/// The shortest wait that a homeserver can ask for, in milliseconds: one that asks for none is not asked
/// without a pause.
const SHORTEST_WAIT_MS: i64 = 100;
/// The longest wait between two attempts, in milliseconds.
pub(super) const LONGEST_WAIT_MS: i64 = 60_000;
/// The longest wait where somebody has to mend something first, in milliseconds.
pub(super) const LONGEST_WAIT_REFUSED_MS: i64 = 3_600_000;

/// Milliseconds to wait after the n-th attempt failed: a second, then twice as long each time, up
/// to `longest_ms`.
pub(super) fn delay_ms(attempts: i64, longest_ms: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 40)).unwrap_or(0);
    1000_i64.saturating_mul(1 << doublings).min(longest_ms)
}

/// How long to wait after the n-th attempt failed: as long as the homeserver asks for, if it does.
pub(super) fn wait_ms(error: &HomeserverError, attempts: i64) -> i64 {
    match error {
        HomeserverError::Refused {
            retry_after_ms: Some(wait),
            ..
        } => i64::try_from(*wait)
            .unwrap_or(i64::MAX)
            .clamp(SHORTEST_WAIT_MS, LONGEST_WAIT_REFUSED_MS),
        _ => delay_ms(attempts, LONGEST_WAIT_MS),
    }
}

/// Whether the homeserver would refuse the same request again, however long we wait. A 401 is not
/// permanent, since the operator can mend it, nor is a limit that can be raised; nor is a path that a
/// homeserver has to know: its worker is down, or requests are routed wrongly.
pub(super) fn is_permanent(error: &HomeserverError) -> bool {
    !matches!(error.errcode(), "" | "M_UNRECOGNIZED")
        && !error.is_over_quota()
        && matches!(error.status(), 400 | 402..=407 | 409..=428 | 431..=499)
}

/// What a failed request in a room says of the others there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomHealth {
    /// The homeserver answers in this room, be it with a refusal.
    Answers,
    /// It fails in this room, or gives no answer.
    Fails,
    /// It could not be asked, about no room.
    Unknown,
}

/// What a failed request in a room says of the others there.
pub(super) fn room_health(error: &HomeserverError) -> RoomHealth {
    match error {
        HomeserverError::Unreachable(_) => RoomHealth::Unknown,
        HomeserverError::Refused { status, .. } if *status < 500 => RoomHealth::Answers,
        HomeserverError::NotAtOldEndpoint => RoomHealth::Answers,
        HomeserverError::Refused { .. }
        | HomeserverError::Broken(_)
        | HomeserverError::Slow
        | HomeserverError::InvalidResponse(_) => RoomHealth::Fails,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::ForeignText;

    #[test]
    fn the_delay_doubles_up_to_its_bound() {
        let delays: Vec<i64> = (0..9).map(|n| delay_ms(n, 60_000)).collect();
        assert_eq!(
            delays,
            [1000, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
        );
        assert_eq!(delay_ms(i64::MAX, 60_000), 60_000);
    }

    #[test]
    fn a_homeserver_decides_how_long_to_wait_within_bounds() {
        let waits = [0, 1, 5000, u64::MAX].map(|wait| {
            let limited = HomeserverError::Refused {
                status: 429,
                errcode: "M_LIMIT_EXCEEDED".to_owned(),
                message: ForeignText::default(),
                retry_after_ms: Some(wait),
            };
            wait_ms(&limited, 1)
        });
        assert_eq!(waits, [100, 100, 5000, LONGEST_WAIT_REFUSED_MS]);
    }
}
