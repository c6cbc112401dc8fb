//! How long to wait before another attempt.

/// Milliseconds to wait after the n-th attempt failed: a second, then twice as long each time, up
/// to `longest_ms`.
pub(super) fn delay_ms(attempts: i64, longest_ms: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 40)).unwrap_or(0);
    1000_i64.saturating_mul(1 << doublings).min(longest_ms)
}

#[cfg(test)]
mod tests {
    use super::delay_ms;

    #[test]
    fn the_delay_doubles_up_to_its_bound() {
        let delays: Vec<i64> = (0..9).map(|n| delay_ms(n, 60_000)).collect();
        assert_eq!(
            delays,
            [1000, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
        );
        assert_eq!(delay_ms(i64::MAX, 60_000), 60_000);
    }
}
