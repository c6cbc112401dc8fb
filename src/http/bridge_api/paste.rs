//! `POST /v1/pastes`.

use actix_web::{HttpMessage, HttpRequest, HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    config::Lifetime,
    http::{auth::Bridge, error::ApiError, request_log::LogLink, state::AppState},
    links::LinkView,
    pastes::{MAX_TEXT_BYTES, PasteText, excerpt},
};
use medialink_link::{
    fit_filename,
    matrix::{EventId, RoomId, UserId},
};

use super::{
    body::read_json,
    fields::{lifetime, parsed, whole},
};

/// The longest body: JSON can take six bytes for one of the text.
const MAX_BODY_BYTES: usize = 6 * MAX_TEXT_BYTES + (64 << 10);
/// The longest name of a language, in bytes.
const MAX_LANGUAGE_BYTES: usize = 64;

/// A text to link. `text` and `room_id` are needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IssuePaste)]
pub(in crate::http) struct PasteBody {
    /// The text: up to a mebibyte of UTF-8, and not blank.
    #[schema(value_type = String, required = true, example = "fn main() {\n    println!(\"hello\");\n}\n")]
    text: Option<String>,
    /// The room of the message. If it is encrypted, the text is uploaded encrypted.
    #[schema(value_type = String, required = true, example = "!r:example.org")]
    room_id: Option<String>,
    /// The message: redacting it kills the link.
    #[schema(example = "$e")]
    event_id: Option<String>,
    /// Who wrote it.
    #[schema(example = "@alice:example.org")]
    sender: Option<String>,
    /// The text's name, for people. One that is too long for a link is cut, keeping its extension.
    #[schema(example = "main.rs")]
    filename: Option<String>,
    /// The text's language, by a name (`Rust`) or a file extension (`rs`): the page shows it in
    /// colours. If left out, or unknown, `filename` tells.
    #[schema(example = "rust")]
    language: Option<String>,
    /// How long the link is to live, in milliseconds; 0: it never expires. The configured lifetime
    /// if left out.
    #[serde(default, deserialize_with = "whole")]
    lifetime_ms: Option<u64>,
}

impl PasteBody {
    /// Checks every field. `max_lifetime`: the longest that is allowed.
    fn checked(self, max_lifetime: Lifetime) -> Result<PasteText, ApiError> {
        let text = self
            .text
            .ok_or_else(|| ApiError::missing("text is missing: the text to link"))?;
        if text.trim().is_empty() {
            return Err(ApiError::invalid("text", "it is empty"));
        }
        let room_id = self
            .room_id
            .ok_or_else(|| ApiError::missing("room_id is missing: the room of the message"))?;
        let room_id =
            RoomId::parse(&room_id).map_err(|error| ApiError::invalid("room_id", error))?;
        let filename = self.filename.filter(|name| !name.trim().is_empty());
        Ok(PasteText {
            event_id: parsed(self.event_id.as_deref(), "event_id", EventId::parse)?,
            sender: parsed(self.sender.as_deref(), "sender", UserId::parse)?,
            filename: filename.map(|name| fit_filename(&name)),
            language: self
                .language
                .as_deref()
                .map(language)
                .transpose()?
                .flatten(),
            lifetime: lifetime(self.lifetime_ms, max_lifetime)?,
            ..PasteText::new(room_id, text)
        })
    }
}

/// A language's name, also as HTML in Matrix has it: `class="language-rust"`.
fn language(name: &str) -> Result<Option<String>, ApiError> {
    let name = name.trim();
    let name = name.strip_prefix("language-").unwrap_or(name);
    if name.len() > MAX_LANGUAGE_BYTES || name.chars().any(char::is_control) {
        let allowed = "allowed are up to 64 bytes without control characters";
        return Err(ApiError::invalid("language", allowed));
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// A link to a paste.
#[derive(Serialize, ToSchema)]
#[schema(as = PasteLink)]
pub(in crate::http) struct PasteView {
    #[serde(flatten)]
    link: LinkView,
    /// The first lines, for the chat: up to three that are not empty, each of up to 300 bytes, with
    /// a line feed between them and no other control character. An ellipsis tells where something
    /// is missing.
    #[schema(example = "fn main() {\nprintln!(\"hello\");\n}")]
    excerpt: String,
}

/// Uploads a text to the homeserver, and links it.
///
/// Asking again with the same text, name, language, room and event gives the link that the bridge
/// has already, with 200, and uploads nothing. The link is of the short form, whatever
/// `links.form` says.
#[utoipa::path(
    post, path = "/v1/pastes", tag = "links",
    request_body(content = inline(PasteBody), content_type = "application/json"),
    responses(
        (status = 201, description = "The new link, and the first lines of the text", body = PasteView),
        (status = 200, description = "The link that the bridge had already", body = PasteView),
        (status = 400, description = "A field is missing or not allowed", body = ApiError),
        (status = 401, description = "No bridge's token", body = ApiError),
        (status = 403, description = "The room's policy forbids it, or the operator: `M_FORBIDDEN`, or `M_TOO_LARGE` for its size", body = ApiError),
        (status = 410, description = "The event was redacted", body = ApiError),
        (status = 413, description = "The text is too long: for us, or for the homeserver", body = ApiError),
        (status = 429, description = "A limit of the service or of the homeserver is reached: repeat after `retry_after_ms`", body = ApiError),
        (status = 502, description = "The homeserver did not take the text: repeat, unless it is `M_FORBIDDEN`, which the operator has to mend", body = ApiError),
        (status = 504, description = "The homeserver was too slow: repeat", body = ApiError),
    ),
    security(("api_token" = []))
)]
pub(in crate::http) async fn paste(
    bridge: Bridge,
    http: HttpRequest,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body: PasteBody = read_json(payload, MAX_BODY_BYTES).await?;
    let paste = body.checked(state.config().links.max_lifetime)?;
    let excerpt = excerpt(&paste.text);
    let issued = state.pastes.issue(&bridge.0, paste).await?;
    http.extensions_mut()
        .insert(LogLink(issued.link.link_id.clone()));
    let status = if issued.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(HttpResponse::build(status).json(PasteView {
        link: state.links.view(&issued.link),
        excerpt,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn with(field: &str, value: Value) -> Result<PasteText, String> {
        let mut body = json!({"text": "hello", "room_id": "!r:example.org"});
        body[field] = value;
        let body: PasteBody = serde_json::from_value(body).map_err(|error| error.to_string())?;
        body.checked(Lifetime::For(Duration::from_secs(100)))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_field_is_checked_and_told() {
        for (field, value, told) in [
            ("text", json!(null), "M_MISSING_PARAM"),
            ("text", json!(""), "text: it is empty"),
            ("text", json!(" \n\t"), "text: it is empty"),
            ("text", json!(5), "invalid type"),
            ("room_id", json!(null), "M_MISSING_PARAM"),
            ("room_id", json!("r"), "room_id: not a room ID"),
            ("event_id", json!("e"), "event_id: not an event ID"),
            ("sender", json!("alice"), "sender: not a user ID"),
            ("language", json!("x".repeat(65)), "language: allowed are"),
            ("language", json!("a\nb"), "language: allowed are"),
            ("lifetime_ms", json!(0), "found 0 (for ever)"),
            ("lifetime_ms", json!(100_001), "found 100001"),
            ("mxc", json!("mxc://a/b"), "unknown field `mxc`"),
            ("form", json!("short"), "unknown field `form`"),
        ] {
            let error = with(field, value.clone()).expect_err(field);
            assert!(error.contains(told), "{field} {value}: {error}");
            assert!(!error.contains("hello"), "{error}");
        }
    }

    #[test]
    fn the_description_tells_what_is_needed() {
        let schema = <PasteBody as utoipa::PartialSchema>::schema();
        let schema = serde_json::to_value(schema).expect("JSON");
        assert_eq!(schema["required"], json!(["text", "room_id"]));
        for needed in ["text", "room_id"] {
            assert_eq!(schema["properties"][needed]["type"], "string");
        }
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn a_language_is_named_as_html_names_it_too() {
        for (given, name) in [
            ("rust", Some("rust")),
            (" language-rust ", Some("rust")),
            ("language-", None),
            ("", None),
        ] {
            let paste = with("language", json!(given)).expect("valid");
            assert_eq!(paste.language.as_deref(), name, "{given:?}");
        }
    }
}
