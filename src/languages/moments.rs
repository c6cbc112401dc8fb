//! Points in time and amounts in words.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Texts, formats};

/// The units of sizes, each 1024 times the one before.
const SIZES: [&str; 7] = [
    "size-b", "size-kib", "size-mib", "size-gib", "size-tib", "size-pib", "size-eib",
];

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A point in time, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// As people read it, with the time zone: `8 October 2026, 12:00 UTC`.
    pub text: String,
    /// As RFC 3339 writes it: `2026-10-08T12:00:00Z`.
    pub rfc3339: String,
    /// How far away it is, in words of its page's time: `in 3 days`; `None`: it is over.
    pub distance: Option<String>,
}

impl Texts {
    /// A point in time in milliseconds since the epoch, as it is told at `now_ms`; `None`: no calendar has it.
    #[must_use]
    pub fn moment(&self, at_ms: i64, now_ms: i64) -> Option<Moment> {
        let at = OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1000)).ok()?;
        let left_ms = u64::try_from(at_ms.saturating_sub(now_ms)).ok();
        Some(Moment {
            text: self.date_and_time(at)?,
            rfc3339: at.format(&Rfc3339).ok()?,
            distance: left_ms.map(|left_ms| self.time_left(left_ms / 1000)),
        })
    }

    /// A day and a time of day in UTC, as the language writes them: `8 October 2026, 12:00 UTC`.
    #[must_use]
    pub fn date_and_time(&self, at: OffsetDateTime) -> Option<String> {
        let date = formats::date(self.language(), at)?;
        let time = formats::time_of_day(self.language(), at)?;
        let parts = [("date", date.into()), ("time", time.into())];
        Some(self.say_with("moment", &parts))
    }

    /// How long something still holds, in seconds: `in 3 days`. Never more than it is.
    #[must_use]
    pub fn time_left(&self, seconds: u64) -> String {
        self.distance(seconds, |seconds, unit| seconds / unit)
    }

    /// When something may be tried again, in seconds: `in 3 minutes`. Never less than it is; without a number
    /// `in a few minutes`.
    #[must_use]
    pub fn wait(&self, seconds: Option<u64>) -> String {
        match seconds {
            None => self.say("in-a-while"),
            Some(seconds) => self.distance(seconds, u64::div_ceil),
        }
    }

    fn distance(&self, seconds: u64, rounded: impl Fn(u64, u64) -> u64) -> String {
        let (id, unit) = match seconds {
            0..120 => ("in-seconds", 1),
            120..7_200 => ("in-minutes", MINUTE),
            7_200..172_800 => ("in-hours", HOUR),
            _ => ("in-days", DAY),
        };
        let count = rounded(seconds, unit).max(1);
        self.say_with(id, &[("count", count.into())])
    }

    /// A length in bytes, with a decimal where the number is below ten: `1.2 MiB`.
    #[must_use]
    pub fn size(&self, bytes: u64) -> String {
        let mut unit = 0;
        let mut whole = bytes;
        while whole >= 1024 && unit + 1 < SIZES.len() {
            whole /= 1024;
            unit += 1;
        }
        // In tenths of the unit, rounded.
        let one = 1_u128 << (10 * unit);
        let tenths = u64::try_from((u128::from(bytes) * 10 + one / 2) / one).unwrap_or(u64::MAX);
        let amount = match unit {
            0 => self.digits(bytes),
            _ if whole < 10 => formats::tenths(self.language(), tenths),
            _ => self.number(u64::try_from((u128::from(bytes) + one / 2) / one).unwrap_or(whole)),
        };
        self.say_with(SIZES[unit], &[("amount", amount.into())])
    }

    /// A whole number: `1,234`.
    #[must_use]
    pub fn number(&self, number: u64) -> String {
        formats::number(self.language(), number)
    }

    /// A whole number without marks between its digits: `1234`.
    #[must_use]
    pub fn digits(&self, number: u64) -> String {
        formats::ungrouped(self.language(), number)
    }

    /// Several names as a part of a sentence: `IRC, XMPP and SMS`.
    #[must_use]
    pub fn list(&self, names: &[String]) -> String {
        formats::list(self.language(), names)
    }
}
