//! Numbers of JSON, which has one kind of them (RFC 8259, section 6).

use serde_json::Value;

/// The smallest number that is too large for Matrix (Appendices, "Canonical JSON").
const LIMIT: u64 = 1 << 53;

/// A whole number, also where it is written as a float: `640.0` and `6.4e2` are 640.
///
/// ```
/// use medialink_event::whole_number;
/// use serde_json::json;
/// assert_eq!(whole_number(&json!(640.0)), Some(640));
/// assert_eq!(whole_number(&json!(640.5)), None);
/// ```
#[must_use]
pub fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64().filter(|float| float.fract() == 0.0)?;
        cut_number(float)
    })
}

/// A number of 53 bits as Matrix has them; the fraction of others is cut off.
pub(crate) fn number(value: &Value) -> Option<u64> {
    match value.as_u64() {
        Some(number) => (number < LIMIT).then_some(number),
        None => cut_number(value.as_f64()?),
    }
}

/// Below 2^53 every whole number is a float, so that nothing but the fraction is lost.
fn cut_number(float: f64) -> Option<u64> {
    (0.0..LIMIT as f64).contains(&float).then_some(float as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_without_a_fraction_is_a_whole_number() {
        for (written, whole) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("1e3", Some(1000)),
            ("6.4E+2", Some(640)),
            ("86400000.0", Some(86_400_000)),
            ("18446744073709551615", Some(u64::MAX)),
            ("9007199254740992.0", None),
            ("1.5", None),
            ("-1", None),
            ("-1.0", None),
            ("1e300", None),
            ("\"640\"", None),
            ("true", None),
            ("null", None),
            ("[640]", None),
        ] {
            let value: Value = serde_json::from_str(written).expect("JSON");
            assert_eq!(whole_number(&value), whole, "{written}");
        }
    }
}
