//! Numbers and times for people.

use time::{OffsetDateTime, macros::format_description};

/// A time in milliseconds since the epoch: `2026-09-21 14:13:20 UTC`.
#[must_use]
pub fn moment(at_ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1000))
        .ok()
        .and_then(|time| time.format(format).ok())
        .unwrap_or_else(|| at_ms.to_string())
}

/// A number of things, in groups of three digits.
#[must_use]
pub fn amount(amount: u64) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes: `1.5 MiB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

/// How much of a whole, in percent; `–` of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    match (u128::from(part) * 100).checked_div(u128::from(whole)) {
        None => "–".to_owned(),
        Some(percent) => format!("{percent} %"),
    }
}

/// How long something takes or is ago, in its two largest units: `3d 4h`.
#[must_use]
pub fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let units = [
        ("d", seconds / 86_400),
        ("h", seconds / 3600 % 24),
        ("min", seconds / 60 % 60),
        ("s", seconds % 60),
    ];
    let first = units.iter().position(|(_, count)| *count > 0).unwrap_or(3);
    let shown = units[first..]
        .iter()
        .take(2)
        .filter(|(_, count)| *count > 0);
    let shown: Vec<String> = shown
        .map(|(unit, count)| format!("{count}{unit}"))
        .collect();
    match shown.is_empty() {
        true => "0s".to_owned(),
        false => shown.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(moment(1_790_000_000_000), "2026-09-21 14:13:20 UTC");
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(amount(number), text);
        }
        assert_eq!(
            (share(1, 3), share(1, 0)),
            ("33 %".to_owned(), "–".to_owned())
        );
        for (ms, text) in [
            (-5, "0s"),
            (900, "0s"),
            (61_000, "1min 1s"),
            (273_600_000, "3d 4h"),
            (86_400_000, "1d"),
        ] {
            assert_eq!(span(ms), text);
        }
    }
}
