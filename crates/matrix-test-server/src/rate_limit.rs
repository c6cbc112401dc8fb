//! How fast users may send: a token bucket for each of them. Pure but for the types of its errors.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;

use crate::errors::MatrixError;

/// The longest wait that an answer names, for limits that hardly flow back.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How much each user may send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// How many events flow back in a second; nothing does at 0.
    pub per_second: f64,
    /// How many events may come at once.
    pub burst: u32,
}

/// The events that each user has left.
#[derive(Debug, Default)]
pub(super) struct Buckets(HashMap<String, Bucket>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Buckets {
    /// Takes one event from those that `user` has left; 429 `M_LIMIT_EXCEEDED` if there is none
    /// (Client-Server API, "Rate limiting").
    pub fn take(&mut self, limit: RateLimit, user: &str, now: Instant) -> Result<(), MatrixError> {
        let burst = f64::from(limit.burst);
        let full = Bucket {
            left: burst,
            at: now,
        };
        let bucket = self.0.entry(user.to_owned()).or_insert(full);
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        let left = passed.mul_add(limit.per_second, bucket.left).min(burst);
        *bucket = Bucket { left, at: now };
        if left >= 1.0 {
            bucket.left = left - 1.0;
            return Ok(());
        }
        let wait = Duration::try_from_secs_f64((1.0 - left) / limit.per_second);
        let wait = wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        // A wait of no time would let the user in too early.
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let wait = wait.saturating_add(1);
        let status = StatusCode::TOO_MANY_REQUESTS;
        let error = MatrixError::new(status, "M_LIMIT_EXCEEDED", "Too Many Requests");
        Err(error.with("retry_after_ms", wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(refused: Result<(), MatrixError>) -> Option<u64> {
        refused.unwrap_err().details["retry_after_ms"].as_u64()
    }

    #[test]
    fn a_burst_is_taken_at_once_and_flows_back() {
        let limit = RateLimit {
            per_second: 2.0,
            burst: 3,
        };
        let mut buckets = Buckets::default();
        let start = Instant::now();
        for _ in 0..3 {
            buckets.take(limit, "@a:s", start).unwrap();
        }
        assert_eq!(wait(buckets.take(limit, "@a:s", start)), Some(501));
        buckets.take(limit, "@b:s", start).unwrap();
        let later = start + Duration::from_millis(501);
        buckets.take(limit, "@a:s", later).unwrap();
        assert!(buckets.take(limit, "@a:s", later).is_err());
        // Not more than the burst comes back.
        let tomorrow = start + Duration::from_secs(86_400);
        for _ in 0..3 {
            buckets.take(limit, "@a:s", tomorrow).unwrap();
        }
        assert!(buckets.take(limit, "@a:s", tomorrow).is_err());
    }

    #[test]
    fn a_limit_that_never_flows_back_names_a_wait() {
        for (per_second, burst) in [(0.0, 0), (1e-300, 0), (f64::NAN, 0), (-1.0, 0)] {
            let limit = RateLimit { per_second, burst };
            let refused = Buckets::default().take(limit, "@a:s", Instant::now());
            assert_eq!(wait(refused), Some(3_600_001), "{per_second}");
        }
    }
}
