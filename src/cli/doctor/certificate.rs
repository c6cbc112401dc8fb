//! The end of a certificate (X.509, RFC 5280, section 4.1): the one thing that is read of it.

use time::{Date, Month, PrimitiveDateTime, Time};

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// When a certificate in DER ends, in milliseconds since the epoch; `None`: that cannot be read.
pub(super) fn end_ms(der: &[u8]) -> Option<i64> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (signed, _) = element(certificate, SEQUENCE)?;
    let after_version = element(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_, rest) = element(after_version, INTEGER)?;
    let (_, rest) = element(rest, SEQUENCE)?;
    let (_issuer, rest) = element(rest, SEQUENCE)?;
    let (validity, _) = element(rest, SEQUENCE)?;
    let (_, rest) = any(validity)?;
    let (kind, end, _) = tagged(rest)?;
    let text = std::str::from_utf8(end).ok()?;
    let digits = text.strip_suffix('Z')?;
    let (year, rest) = match kind {
        UTC_TIME => {
            let year: i32 = digits.get(..2)?.parse().ok()?;
            (year + if year < 50 { 2000 } else { 1900 }, digits.get(2..)?)
        }
        GENERALIZED_TIME => (digits.get(..4)?.parse().ok()?, digits.get(4..)?),
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    let date = Date::from_calendar_date(year, Month::try_from(two(0)?).ok()?, two(2)?).ok()?;
    let time = Time::from_hms(two(4)?, two(6)?, two(8)?).ok()?;
    let end = PrimitiveDateTime::new(date, time).assume_utc();
    end.unix_timestamp().checked_mul(1000)
}

/// The content of an element of this kind, and what comes after it.
fn element(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = tagged(der)?;
    (found == kind).then_some((content, rest))
}

/// The content of any element, and what comes after it.
fn any(der: &[u8]) -> Option<(&[u8], &[u8])> {
    tagged(der).map(|(_, content, rest)| (content, rest))
}

/// Kind, content, and what comes after it.
fn tagged(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*kind, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        [&[kind, 0x82], length.as_slice(), content].concat()
    }

    fn certificate(version: &[u8], end: &[u8]) -> Vec<u8> {
        let start = [&[UTC_TIME, 13], b"250101000000Z".as_slice()].concat();
        let validity = wrapped(SEQUENCE, &[start.as_slice(), end].concat());
        let signed = [
            version,
            &[INTEGER, 1, 7],
            &[SEQUENCE, 0],
            &[SEQUENCE, 0],
            &validity,
        ];
        wrapped(SEQUENCE, &wrapped(SEQUENCE, &signed.concat()))
    }

    #[test]
    fn the_end_of_a_certificate_is_found() {
        let short = [&[UTC_TIME, 13], b"270203040506Z".as_slice()].concat();
        let long = [&[GENERALIZED_TIME, 15], b"20270203040506Z".as_slice()].concat();
        for version in [&[][..], &[VERSION, 3, INTEGER, 1, 2]] {
            for end in [&short, &long] {
                let end = end_ms(&certificate(version, end));
                assert_eq!(end, Some(1_801_627_506_000));
            }
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let short = [&[UTC_TIME, 13], b"270203040506Z".as_slice()].concat();
        let whole = certificate(&[], &short);
        for length in 0..whole.len() {
            assert_eq!(end_ms(&whole[..length]), None, "{length}");
        }
        let odd = [&[UTC_TIME, 13], b"27\xc3\xbc3040506Z".as_slice(), b"xx"].concat();
        assert_eq!(end_ms(&certificate(&[], &odd)), None);
    }
}
