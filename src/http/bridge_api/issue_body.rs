//! From the body of `POST /v1/links` to a request that can be carried out: everything is checked
//! here.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    config::Lifetime,
    file_name::link_name,
    http::error::ApiError,
    links::{IssueRequest, SubmittedEvent},
};
use medialink_event::{is_media_type, token_in_map};
use medialink_link::{
    LinkClaims, LinkForm,
    matrix::{ContentToken, EncryptedFile, EventId, MxcUri, RoomId, UserId},
};

use super::{
    body::{bad_json, not_an_object},
    fields::{form, lifetime, parsed, whole},
};

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
    #[schema(value_type = Option<Value>)]
    content_token: Option<Value>,
    /// The `EncryptedFile` of the event; `mxc` may then be left out.
    #[schema(value_type = Option<Object>)]
    file: Option<Value>,
    /// The file's name, for people. One without an extension gets the usual one of `mimetype`; one
    /// that is too long for a link is cut, keeping its extension.
    #[schema(example = "cat.png")]
    filename: Option<String>,
    /// The media's type.
    #[schema(example = "image/png")]
    mimetype: Option<String>,
    /// The media's size in bytes.
    #[serde(default, deserialize_with = "whole")]
    size: Option<u64>,
    /// How long the link is to live, in milliseconds; 0: it never expires. The configured lifetime
    /// if left out.
    #[serde(default, deserialize_with = "whole")]
    lifetime_ms: Option<u64>,
    /// `short` or `self_contained`; the configured form if left out.
    #[schema(example = "short")]
    form: Option<String>,
    /// How often the link may be followed; only of the short form. 1: a one-time link.
    #[serde(default, deserialize_with = "whole")]
    max_follows: Option<u64>,
    /// The event that shared the media, decrypted. With `links.provenance: check` it is needed
    /// for an encrypted event. Where `content_token` is left out, the event's is taken.
    #[schema(value_type = Option<Object>)]
    event: Option<Value>,
}

impl IssueBody {
    /// Reads one entry of a batch.
    pub(in crate::http) fn from_value(value: Value) -> Result<Self, ApiError> {
        if !value.is_object() {
            return Err(not_an_object());
        }
        serde_path_to_error::deserialize(value).map_err(|error| bad_json(&error))
    }

    /// Checks every field. `max_lifetime`: the longest that is allowed.
    pub(in crate::http) fn checked(self, max_lifetime: Lifetime) -> Result<IssueRequest, ApiError> {
        let room_id = self.room_id.as_deref().ok_or_else(|| {
            ApiError::missing("room_id is missing: the room in which the media was shared")
        })?;
        let room_id =
            RoomId::parse(room_id).map_err(|error| ApiError::invalid("room_id", error))?;
        let file = match &self.file {
            None => None,
            Some(value) => Some(
                EncryptedFile::from_json(value)
                    .map_err(|error| ApiError::invalid("file", error))?,
            ),
        };
        let mut claims = LinkClaims::new(room_id, medium(self.mxc.as_deref(), file.as_ref())?);
        claims.file = file.map(|file| file.keys);
        claims.event_id = parsed(self.event_id.as_deref(), "event_id", EventId::parse)?;
        claims.content_token = content_token(self.content_token.as_ref(), &claims.mxc)?;
        let event = match self.event {
            None => None,
            Some(event) if event.is_object() => Some(SubmittedEvent::new(event)),
            Some(_) => return Err(ApiError::invalid("event", "it has to be an object")),
        };
        claims.mimetype = media_type(self.mimetype)?;
        claims.filename = self
            .filename
            .filter(|name| !name.trim().is_empty())
            .map(|name| link_name(&name, claims.mimetype.as_deref()));
        let form = form(self.form.as_deref())?;
        Ok(IssueRequest {
            claims,
            event,
            sender: parsed(self.sender.as_deref(), "sender", UserId::parse)?,
            size: self
                .size
                .map(i64::try_from)
                .transpose()
                .map_err(|_| ApiError::invalid("size", "it is too large"))?,
            appearance: None,
            shown_by: None,
            lifetime: lifetime(self.lifetime_ms, max_lifetime)?,
            form,
            max_follows: self
                .max_follows
                .map(|number| max_follows(number, form))
                .transpose()?,
        })
    }
}

/// The media to link, which an encrypted file names as well.
fn medium(mxc: Option<&str>, file: Option<&EncryptedFile>) -> Result<MxcUri, ApiError> {
    match (parsed(mxc, "mxc", MxcUri::parse)?, file) {
        (Some(mxc), Some(file)) if mxc != file.url => {
            Err(ApiError::invalid("mxc", "it differs from file.url"))
        }
        (Some(mxc), _) => Ok(mxc),
        (None, Some(file)) => Ok(file.url.clone()),
        (None, None) => Err(ApiError::missing(
            "mxc is missing, and there is no file: the media to link",
        )),
    }
}

/// The content token of the media. The value is a secret, so it is not repeated whatever it is.
fn content_token(value: Option<&Value>, mxc: &MxcUri) -> Result<Option<ContentToken>, ApiError> {
    let invalid = |problem: &str| ApiError::invalid("content_token", problem);
    match value {
        None => Ok(None),
        Some(Value::String(text)) => ContentToken::parse(text)
            .map(Some)
            .map_err(|error| ApiError::invalid("content_token", error)),
        Some(Value::Object(tokens)) => token_in_map(tokens, mxc)
            .map(Some)
            .ok_or_else(|| invalid("the map has no token for this media")),
        Some(_) => Err(invalid(
            "it has to be a text, or a map from hashes to texts",
        )),
    }
}

fn media_type(text: Option<String>) -> Result<Option<String>, ApiError> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if !is_media_type(&text) => Err(ApiError::invalid(
            "mimetype",
            "allowed is type/subtype, at most 255 bytes",
        )),
        other => Ok(other),
    }
}

fn max_follows(number: u64, form: Option<LinkForm>) -> Result<i64, ApiError> {
    if form == Some(LinkForm::SelfContained) {
        return Err(ApiError::invalid(
            "max_follows",
            "a self-contained link cannot be counted; allowed is it with the form \"short\"",
        ));
    }
    i64::try_from(number)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| {
            ApiError::invalid(
                "max_follows",
                format_args!("found {number}; allowed is a number of at least 1"),
            )
        })
}

/// Checks a request as `POST /v1/links` would.
///
/// # Errors
/// The problem, as a sentence.
pub fn issue_request(body: Value, max_lifetime: Lifetime) -> Result<IssueRequest, String> {
    IssueBody::from_value(body)
        .and_then(|body| body.checked(max_lifetime))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
