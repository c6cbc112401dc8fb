//! From JSON to a request that can be carried out: everything is checked here.

use actix_web::{http::StatusCode, web};
use futures_util::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::{
    config::Lifetime,
    http::error::ApiError,
    links::{IssueRequest, SubmittedEvent},
};
use medialink_event::is_media_type;
use medialink_event::token_in_map;
use medialink_link::{
    Form, LinkClaims, fit_filename,
    matrix::{ContentToken, EncryptedFile, EventId, MxcUri, RoomId, UserId},
};

/// The longest lifetime that a token can carry, in milliseconds.
const MAX_LIFETIME_MS: u64 = u32::MAX as u64 * 1000;

/// Reads a body of at most `limit` bytes.
pub(in crate::http) async fn read_body(
    mut payload: web::Payload,
    limit: usize,
) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| {
            ApiError::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", "the body broke off")
        })?;
        if body.len() + chunk.len() > limit {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "M_TOO_LARGE",
                format!("the body is longer than {limit} bytes"),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads a body of JSON of at most `limit` bytes.
pub(in crate::http) async fn read_json<T: DeserializeOwned>(
    payload: web::Payload,
    limit: usize,
) -> Result<T, ApiError> {
    let body = read_body(payload, limit).await?;
    // A list would be read as an object's values without their names.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(not_an_object());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        use serde_json::error::Category;
        match error.inner().classify() {
            Category::Data => bad_json(&error),
            _ if is_too_deep(error.inner()) => ApiError::bad_json(
                "the body is nested too deeply; allowed are 127 objects and arrays in each other",
            ),
            _ => ApiError::new(
                StatusCode::BAD_REQUEST,
                "M_NOT_JSON",
                format!("the body is not JSON: {}", error.inner()),
            ),
        }
    })?;
    deserializer.end().map_err(|error| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "M_NOT_JSON",
            format!("the body is not JSON: {error}"),
        )
    })?;
    Ok(value)
}

/// Whether a body is JSON, but so deep that reading it would take too much of the stack.
fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit exceeded")
}

fn not_an_object() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "M_BAD_JSON",
        "allowed is a JSON object",
    )
}

fn bad_json(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = error.path().to_string();
    let place = if path == "." {
        String::new()
    } else {
        format!("{path}: ")
    };
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "M_BAD_JSON",
        format!("{place}{}", without_found_text(&error.inner().to_string())),
    )
}

/// What was found in a wrong place may be a secret, or hold one: only that it is a text is told.
fn without_found_text(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected ")) {
        (Some(start), Some(end)) if start < end => {
            format!("{}string{}", &message[..start], &message[end + 1..])
        }
        _ => message.to_owned(),
    }
}

/// What a bridge asks for. `room_id`, and `mxc` or `file`, are needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IssueLink)]
pub(in crate::http) struct IssueBody {
    /// The media.
    #[schema(example = "mxc://example.org/abc")]
    mxc: Option<String>,
    /// The room in which it was shared.
    #[schema(required = true, value_type = String, example = "!r:example.org")]
    room_id: Option<String>,
    /// The event that shared it: redacting that event kills the link.
    #[schema(example = "$e")]
    event_id: Option<String>,
    /// Who shared it.
    #[schema(example = "@alice:example.org")]
    sender: Option<String>,
    /// The content token of the media (MSC3910): 1 to 255 of `[A-Za-z0-9._~-]`. Or the event's
    /// map of tokens by the hash of their media's URI, which has to have one for this media.
    #[schema(value_type = Option<serde_json::Value>)]
    content_token: Option<serde_json::Value>,
    /// The `EncryptedFile` of the event; `mxc` may then be left out.
    #[schema(value_type = Option<Object>)]
    file: Option<serde_json::Value>,
    /// The file's name, for people. One that is too long for a link is cut, keeping its extension.
    #[schema(example = "cat.png")]
    filename: Option<String>,
    /// The media's type.
    #[schema(example = "image/png")]
    mimetype: Option<String>,
    /// The media's size in bytes.
    size: Option<u64>,
    /// How long the link is to live, in milliseconds; 0: it never expires. The configured lifetime
    /// if left out.
    lifetime_ms: Option<u64>,
    /// `short` or `self_contained`; the configured form if left out.
    #[schema(example = "short")]
    form: Option<String>,
    /// How often the link may be followed; only of the short form. 1: a one-time link.
    max_follows: Option<u64>,
    /// The event that shared the media, decrypted. With `links.provenance: check` it is needed
    /// for an encrypted event. Where `content_token` is left out, the event's is taken.
    #[schema(value_type = Option<Object>)]
    event: Option<serde_json::Value>,
}

impl IssueBody {
    /// Reads one entry of a batch.
    pub(in crate::http) fn from_value(value: serde_json::Value) -> Result<Self, ApiError> {
        if !value.is_object() {
            return Err(not_an_object());
        }
        serde_path_to_error::deserialize(value).map_err(|error| bad_json(&error))
    }

    /// Checks every field. `max_lifetime`: the longest that is allowed.
    pub(in crate::http) fn checked(self, max_lifetime: Lifetime) -> Result<IssueRequest, ApiError> {
        let room_id = self.room_id.ok_or_else(|| {
            ApiError::missing("room_id is missing: the room in which the media was shared")
        })?;
        let room_id =
            RoomId::parse(&room_id).map_err(|error| ApiError::invalid("room_id", error))?;
        let file = match &self.file {
            None => None,
            Some(value) => Some(
                EncryptedFile::from_json(value)
                    .map_err(|error| ApiError::invalid("file", error))?,
            ),
        };
        let mxc = match &self.mxc {
            None => None,
            Some(text) => {
                Some(MxcUri::parse(text).map_err(|error| ApiError::invalid("mxc", error))?)
            }
        };
        let mxc = match (mxc, &file) {
            (Some(mxc), Some(file)) if mxc != file.url => {
                return Err(ApiError::invalid("mxc", "it differs from file.url"));
            }
            (Some(mxc), _) => mxc,
            (None, Some(file)) => file.url.clone(),
            (None, None) => {
                return Err(ApiError::missing(
                    "mxc is missing, and there is no file: the media to link",
                ));
            }
        };
        let mut claims = LinkClaims::new(room_id, mxc);
        claims.file = file.map(|file| file.keys);
        claims.event_id = parsed(self.event_id.as_deref(), "event_id", EventId::parse)?;
        claims.content_token = match &self.content_token {
            None => None,
            // The value is a secret, so it is not repeated whatever it is.
            Some(serde_json::Value::String(text)) => Some(
                ContentToken::parse(text)
                    .map_err(|error| ApiError::invalid("content_token", error))?,
            ),
            Some(serde_json::Value::Object(tokens)) => {
                let token = token_in_map(tokens, &claims.mxc).ok_or_else(|| {
                    ApiError::invalid("content_token", "the map has no token for this media")
                })?;
                Some(token)
            }
            Some(_) => {
                let problem = "it has to be a text, or a map from hashes to texts";
                return Err(ApiError::invalid("content_token", problem));
            }
        };
        let event = match self.event {
            None => None,
            Some(event) if event.is_object() => Some(SubmittedEvent::new(event)),
            Some(_) => return Err(ApiError::invalid("event", "it has to be an object")),
        };
        claims.mimetype = self.mimetype.filter(|text| !text.is_empty());
        if claims
            .mimetype
            .as_deref()
            .is_some_and(|text| !is_media_type(text))
        {
            return Err(ApiError::invalid(
                "mimetype",
                "allowed is type/subtype, at most 255 bytes",
            ));
        }
        claims.filename = self
            .filename
            .filter(|name| !name.trim().is_empty())
            .map(|name| fit_filename(&name));
        let form = form(self.form.as_deref())?;
        Ok(IssueRequest {
            claims,
            event,
            sender: parsed(self.sender.as_deref(), "sender", UserId::parse)?,
            size: match self.size {
                None => None,
                Some(size) => Some(
                    i64::try_from(size)
                        .map_err(|_| ApiError::invalid("size", "it is too large"))?,
                ),
            },
            appearance: None,
            shown_by: None,
            lifetime: lifetime(self.lifetime_ms, max_lifetime)?,
            form,
            max_follows: match self.max_follows {
                None => None,
                Some(_) if form == Some(Form::SelfContained) => {
                    return Err(ApiError::invalid(
                        "max_follows",
                        "a self-contained link cannot be counted; allowed is it with the form \"short\"",
                    ));
                }
                Some(number) => Some(i64::try_from(number).ok().filter(|n| *n > 0).ok_or_else(
                    || {
                        ApiError::invalid(
                            "max_follows",
                            format_args!("found {number}; allowed is a number of at least 1"),
                        )
                    },
                )?),
            },
        })
    }
}

/// Checks a request as `POST /v1/links` would.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn issue_request(
    body: serde_json::Value,
    max_lifetime: Lifetime,
) -> Result<IssueRequest, String> {
    IssueBody::from_value(body)
        .and_then(|body| body.checked(max_lifetime))
        .map_err(|error| error.to_string())
}

pub(super) fn parsed<T, E: std::fmt::Display>(
    text: Option<&str>,
    field: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, ApiError> {
    text.map(|text| parse(text).map_err(|error| ApiError::invalid(field, error)))
        .transpose()
}

/// Checks `form`.
pub(super) fn form(word: Option<&str>) -> Result<Option<Form>, ApiError> {
    let Some(word) = word else {
        return Ok(None);
    };
    let form = Form::parse(word).filter(|form| *form != Form::Legacy);
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
        (1..=MAX_LIFETIME_MS, Lifetime::Never) => {
            Ok(Lifetime::For(std::time::Duration::from_millis(ms)))
        }
        (_, Lifetime::Never) => Err(too_long(MAX_LIFETIME_MS.into())),
        (ms, Lifetime::For(max)) if ms > 0 && u128::from(ms) <= max.as_millis() => {
            Ok(Lifetime::For(std::time::Duration::from_millis(ms)))
        }
        (_, Lifetime::For(max)) => Err(too_long(max.as_millis())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn checked(value: serde_json::Value) -> Result<IssueRequest, String> {
        IssueBody::from_value(value)
            .and_then(|body| body.checked(Lifetime::For(Duration::from_secs(100))))
            .map_err(|error| error.to_string())
    }

    fn with(field: &str, value: serde_json::Value) -> Result<IssueRequest, String> {
        let mut body = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
        body[field] = value;
        checked(body)
    }

    #[test]
    fn every_field_is_checked_and_told() {
        for (field, value, told) in [
            ("mxc", json!(null), "M_MISSING_PARAM"),
            (
                "mxc",
                json!("https://example.org/abc"),
                "mxc: not an mxc URI",
            ),
            (
                "mxc",
                json!("mxc://example.org/../x"),
                "media ID is made of",
            ),
            ("mxc", json!("mxc://example.org/.."), "media ID is made of"),
            ("mxc", json!("mxc://example.org/"), "media ID is empty"),
            ("mxc", json!(5), "M_BAD_JSON"),
            ("room_id", json!(null), "M_MISSING_PARAM"),
            ("room_id", json!("r"), "room_id: not a room ID"),
            (
                "room_id",
                json!(format!("!{}:x", "a".repeat(300))),
                "longer than 255",
            ),
            ("event_id", json!("e"), "event_id: not an event ID"),
            ("event_id", json!({}), "event_id"),
            ("sender", json!("alice"), "sender: not a user ID"),
            (
                "content_token",
                json!("with space"),
                "content_token: not a content token",
            ),
            ("content_token", json!(123_456), "it has to be a text"),
            (
                "content_token",
                json!({"hash": "123456"}),
                "content_token: the map has no token for this media",
            ),
            ("event", json!("123456"), "event: it has to be an object"),
            (
                "file",
                json!({"url": "mxc://example.org/abc"}),
                "file: not a usable EncryptedFile",
            ),
            ("mimetype", json!("image"), "mimetype: allowed is"),
            ("mimetype", json!("a/b\r\nX: y"), "mimetype: allowed is"),
            ("size", json!(-1), "size"),
            ("size", json!(1.5), "size"),
            ("size", json!(u64::MAX), "too large"),
            ("lifetime_ms", json!(-1), "lifetime_ms"),
            ("lifetime_ms", json!("1d"), "lifetime_ms"),
            (
                "lifetime_ms",
                json!(0),
                "found 0 (for ever); allowed are 1 to 100000",
            ),
            (
                "lifetime_ms",
                json!(100_001),
                "found 100001; allowed are 1 to 100000",
            ),
            ("form", json!("long"), "found \"long\"; allowed are"),
            ("max_follows", json!(0), "found 0; allowed is"),
            ("max_follows", json!(-1), "max_follows"),
            ("colour", json!("red"), "unknown field `colour`"),
        ] {
            let error = with(field, value.clone()).expect_err(field);
            assert!(error.contains(told), "{field} {value}: {error}");
            assert!(
                !error.contains("123456") && !error.contains("with space"),
                "{error}"
            );
        }
        assert!(checked(json!([])).is_err() && checked(json!("x")).is_err());
    }

    #[test]
    fn a_text_in_a_wrong_place_is_not_repeated() {
        let told = with("size", json!("a \"secret\", expected by nobody")).expect_err("refused");
        assert!(
            told.ends_with("size: invalid type: string, expected u64"),
            "{told}"
        );
    }

    #[test]
    fn a_map_of_content_tokens_gives_that_of_the_media() {
        let mxc = MxcUri::parse("mxc://example.org/abc").expect("valid");
        let tokens = json!({"other": "wrong", (mxc.hash()): "right"});
        let request = with("content_token", tokens).expect("valid");
        let token = request.claims.content_token.expect("a token");
        assert_eq!(token.expose(), "right");
        let refused = with("content_token", json!({ (mxc.hash()): 123_456 }));
        assert!(!refused.expect_err("refused").contains("123456"));
    }

    #[test]
    fn lengths_and_empty_texts_are_handled() {
        let request = with("filename", json!(format!("{}.png", "x".repeat(400)))).expect("cut");
        let name = request.claims.filename.expect("a name");
        assert!(name.len() == 255 && name.ends_with(".png"));
        assert_eq!(
            with("filename", json!(" ")).expect("none").claims.filename,
            None
        );
        assert!(with("lifetime_ms", json!(100_000)).is_ok());
    }
}
