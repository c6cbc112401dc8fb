//! Values that several sections share: durations, sizes, rates, URLs.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::{Deserialize, Deserializer, de};
use url::Url;

use super::{explain::shown_text, problems::Problems};

/// A duration such as `300ms`, `90s` or `14d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub Duration);

/// `never`, or a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Without an end.
    Never,
    /// A span of time.
    For(Duration),
}

/// A number of things in a time, such as `5/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub amount: u32,
    /// In which time.
    pub per: Duration,
}

/// A number of bytes in a time, such as `10GiB/day`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRate {
    /// How many bytes.
    pub bytes: u64,
    /// In which time.
    pub per: Duration,
}

/// A size in bytes, such as `100MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub u64);

/// A width and a height in pixels, such as `320x240`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PixelSize(pub (u32, u32));

/// An IP address and a port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address(pub SocketAddr);

/// Reads a text through `parse`; the error of another value names what is expected.
struct Text<T> {
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

macro_rules! text_value {
    ($type:ty, $expected:literal, $parse:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text {
                    expected: $expected,
                    parse: $parse,
                })
            }
        }
    };
}

text_value!(Span, "a duration such as 300ms, 90s or 14d", |text| {
    humantime::parse_duration(text).ok().map(Span)
});
text_value!(
    Lifetime,
    "\"never\" or a duration such as 90s or 14d",
    |text| {
        match text {
            "never" => Some(Lifetime::Never),
            _ => humantime::parse_duration(text).ok().map(Lifetime::For),
        }
    }
);
text_value!(
    Address,
    "an IP address and a port such as 127.0.0.1:8480",
    |text| { text.parse().ok().map(Address) }
);
text_value!(Size, "a size such as 512KiB or 100MiB", |text| {
    text.parse::<bytesize::ByteSize>()
        .ok()
        .map(|size| Size(size.as_u64()))
});
text_value!(PixelSize, "a size in pixels such as 320x240", |text| {
    let (width, height) = text.split_once('x')?;
    Some(PixelSize((width.parse().ok()?, height.parse().ok()?)))
});
text_value!(Rate, "a rate such as 5/s or 600/min", |text| {
    let (amount, per) = in_time(text)?;
    let amount = amount.parse().ok().filter(|amount| *amount > 0)?;
    Some(Rate { amount, per })
});
text_value!(ByteRate, "bytes in a time such as 10GiB/day", |text| {
    let (bytes, per) = in_time(text)?;
    let bytes = bytes.parse::<bytesize::ByteSize>().ok()?.as_u64();
    (bytes > 0).then_some(ByteRate { bytes, per })
});

/// The amount of a rate, and its time.
fn in_time(text: &str) -> Option<(&str, Duration)> {
    let (amount, unit) = text.split_once('/')?;
    let per = match unit {
        "s" => 1,
        "min" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    Some((amount, Duration::from_secs(per)))
}

/// Reads an `http` or `https` URL that other paths are put after; no slash remains at its end.
pub(super) fn base_url(text: &str, path: &str, problems: &mut Problems) -> Option<Url> {
    let allowed = "allowed is an http or https URL without user, query and fragment";
    let Ok(mut url) = Url::parse(text) else {
        problems.add(path, format_args!("found {}; {allowed}", shown_text(text)));
        return None;
    };
    if !matches!(url.scheme(), "http" | "https")
        || url.host_str().is_none()
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        // It may hold a password, so only its scheme is repeated.
        problems.add(
            path,
            format_args!("found a URL of scheme {:?}; {allowed}", url.scheme()),
        );
        return None;
    }
    let trimmed = url.path().trim_end_matches('/').to_owned();
    url.set_path(&trimmed);
    Some(url)
}
