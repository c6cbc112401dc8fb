//! Sizes and durations in a form that people read.

use bytesize::ByteSize;

/// A length in bytes as `332 KiB`, with a decimal where the number is below ten: `1.2 MiB`.
pub fn size(bytes: u64) -> String {
    let mut rest = bytes;
    while rest >= 1024 {
        rest /= 1024;
    }
    let size = ByteSize::b(bytes);
    if rest < 10 {
        format!("{:.1}", size.display().iec())
    } else {
        format!("{:.0}", size.display().iec())
    }
}

/// A duration as `0:42` or `1:02:03`; a second that has begun is whole.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (7, "7 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (340_112, "332 KiB"),
            (1_234_567, "1.2 MiB"),
            (20 << 20, "20 MiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn durations_look_like_clocks() {
        for (milliseconds, text) in [
            (0, "0:00"),
            (1, "0:01"),
            (42_000, "0:42"),
            (61_001, "1:02"),
            (3_723_000, "1:02:03"),
        ] {
            assert_eq!(duration(milliseconds), text);
        }
    }
}
