//! Fields that several requests have, checked.

use std::time::Duration;

use medialink_event::whole_number;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;

use crate::{config::Lifetime, http::error::ApiError};
use medialink_link::LinkForm;

/// The longest lifetime that a token can carry, in milliseconds.
const MAX_LIFETIME_MS: u64 = u32::MAX as u64 * 1000;

/// Reads a whole number that may be missing, also where it is written as a float: languages that
/// have no other numbers write `86400000.0`.
pub(super) fn whole<'de, D, T>(source: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64> + DeserializeOwned,
{
    let Some(value) = Option::<Value>::deserialize(source)? else {
        return Ok(None);
    };
    let whole = whole_number(&value).and_then(|number| T::try_from(number).ok());
    match whole {
        Some(number) => Ok(Some(number)),
        None => T::deserialize(value).map(Some).map_err(D::Error::custom),
    }
}

/// Parses a field that may be missing.
pub(super) fn parsed<T, E: std::fmt::Display>(
    text: Option<&str>,
    field: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, ApiError> {
    text.map(|text| parse(text).map_err(|error| ApiError::invalid(field, error)))
        .transpose()
}

/// Checks `form`.
pub(super) fn form(word: Option<&str>) -> Result<Option<LinkForm>, ApiError> {
    let Some(word) = word else {
        return Ok(None);
    };
    let form = LinkForm::parse(word).filter(|form| *form != LinkForm::Legacy);
    form.map(Some).ok_or_else(|| {
        ApiError::invalid(
            "form",
            format_args!("found {word:?}; allowed are \"short\" and \"self_contained\""),
        )
    })
}

/// Checks `lifetime_ms`. `max`: the longest that is allowed.
pub(super) fn lifetime(ms: Option<u64>, max: Lifetime) -> Result<Option<Lifetime>, ApiError> {
    ms.map(|ms| checked_lifetime(ms, max)).transpose()
}

fn checked_lifetime(ms: u64, max: Lifetime) -> Result<Lifetime, ApiError> {
    let too_long = |allowed: u128| {
        let found = if ms == 0 {
            "0 (for ever)".to_owned()
        } else {
            ms.to_string()
        };
        ApiError::invalid(
            "lifetime_ms",
            format_args!("found {found}; allowed are 1 to {allowed}"),
        )
    };
    match (ms, max) {
        (0, Lifetime::Never) => Ok(Lifetime::Never),
        (1..=MAX_LIFETIME_MS, Lifetime::Never) => Ok(Lifetime::For(Duration::from_millis(ms))),
        (_, Lifetime::Never) => Err(too_long(MAX_LIFETIME_MS.into())),
        (ms, Lifetime::For(max)) if ms > 0 && u128::from(ms) <= max.as_millis() => {
            Ok(Lifetime::For(Duration::from_millis(ms)))
        }
        (_, Lifetime::For(max)) => Err(too_long(max.as_millis())),
    }
}
