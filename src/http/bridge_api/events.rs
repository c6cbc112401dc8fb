//! `POST /v1/events`: every link that one Matrix event needs, and how it reads on the other side.

use std::collections::{HashMap, HashSet};

use actix_web::{HttpResponse, ResponseError, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    config::{Lifetime, Provenance},
    file_name::link_name,
    http::{
        auth::Bridge,
        error::{ApiError, EntryError},
        state::AppState,
    },
    links::{IssueRequest, LinkView, SubmittedEvent},
};
use medialink_event::{
    self, EventError, EventInput, MediaLink, RenderStyle, Rendering, SharedEvent, SharedMedia,
};
use medialink_link::{
    LinkClaims, LinkForm,
    matrix::{ContentToken, FileKeys, MxcUri, UserId},
};

use super::{
    body::read_json,
    fields::{self, whole},
};

/// The longest body: an event is up to 64 KiB long, and may stand there twice.
const MAX_BODY_BYTES: usize = 256 << 10;
/// The most media that are linked for one event.
const MAX_MEDIA: usize = 1000;

/// A Matrix event whose media are to be linked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LinkEvent)]
pub(in crate::http) struct EventBody {
    /// The event as the homeserver has sent it.
    #[schema(required = true, value_type = Object)]
    event: Option<Value>,
    /// Of an encrypted event: what was decrypted, with `type` and `content`.
    #[schema(value_type = Option<Object>)]
    decrypted: Option<Value>,
    /// The room, if the event does not say it.
    #[schema(example = "!r:example.org")]
    room_id: Option<String>,
    /// How to call the sender; the first part of the user ID if left out.
    #[schema(example = "Alice")]
    sender_name: Option<String>,
    /// How many bytes of UTF-8 the text may have; as configured for the bridge if left out.
    #[schema(example = 400)]
    #[serde(default, deserialize_with = "whole")]
    max_bytes: Option<usize>,
    /// How long the links are to live, in milliseconds; 0: they never expire.
    #[serde(default, deserialize_with = "whole")]
    lifetime_ms: Option<u64>,
    /// `short` or `self_contained`; the configured form if left out.
    #[schema(example = "short")]
    form: Option<String>,
}

/// What an event needs on the other side.
#[derive(Serialize, ToSchema)]
#[schema(as = LinkedEvent)]
pub(in crate::http) struct EventAnswer {
    /// One entry for each media reference; what the event is about comes first.
    links: Vec<LinkedMedia>,
    /// The event in one line for plain networks, by the bridge's template: no control characters,
    /// and no longer than `max_bytes` unless it is a link alone. Empty if the event says nothing.
    #[schema(
        example = "alice sent an image: cat.png (332 KiB) https://media.example.org/m/EQFqsTuA…/cat.png"
    )]
    text: String,
    /// The event in sanitised HTML, with links in the places of mxc URIs.
    html: String,
    /// Elements for an XMPP message: out-of-band data (XEP-0066), file sharing (XEP-0447). Null
    /// without links.
    #[schema(required = true)]
    xmpp: Option<String>,
}

/// One media reference of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = LinkedMedia)]
struct LinkedMedia {
    /// Where it stands: keys joined by dots, `[n]` for arrays, `content.formatted_body[n]` for the
    /// n-th image in HTML.
    #[schema(example = "content.url")]
    path: String,
    /// `file`, `thumbnail`, `sticker`, `avatar`, `inline_image` or `other`.
    #[schema(example = "file")]
    kind: &'static str,
    /// The link, unless there is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkView>,
    /// Why there is no link.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<EntryError>,
}

/// Links all media of an event.
///
/// Takes the whole event, finds every media reference in it, and answers with a link for each and
/// with what to say on the other side. An edit's links belong to the event that it edits. As with
/// `/v1/links`, asking again gives the links that the bridge has already.
#[utoipa::path(
    post, path = "/v1/events", tag = "links",
    request_body(content = EventBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The links (`[]` if the event shares no media), and how it reads", body = EventAnswer),
        (status = 400, description = "It is no Matrix event, or encrypted and not decrypted", body = ApiError),
        (status = 401, description = "No bridge's token", body = ApiError),
        (status = 410, description = "The event was redacted", body = ApiError),
        (status = 429, description = "The sender, the room or the bridge has had too many links: repeat after `retry_after_ms`", body = ApiError),
        (status = 413, description = "The body is too long", body = ApiError),
    ),
    security(("api_token" = []))
)]
pub(in crate::http) async fn link_event(
    bridge: Bridge,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body: EventBody = read_json(payload, MAX_BODY_BYTES).await?;
    let max_lifetime = state.config().links.max_lifetime;
    let options = LinkOptions {
        lifetime: fields::lifetime(body.lifetime_ms, max_lifetime)?,
        form: fields::form(body.form.as_deref())?,
    };
    let event = body.event.as_ref().ok_or_else(|| {
        ApiError::missing("event is missing: the Matrix event whose media are to be linked")
    })?;
    let shared = SharedEvent::read(&EventInput {
        event,
        decrypted: body.decrypted.as_ref(),
        room_id: body.room_id.as_deref(),
    })?;
    let proof = match state.config().links.provenance {
        Provenance::Check => body
            .decrypted
            .as_ref()
            .map(|decrypted| SubmittedEvent::new(json!({"content": decrypted.get("content")}))),
        Provenance::Off => None,
    };
    let outcomes = issue(&bridge, &state, &shared, &options, proof).await?;
    if let Some(gone) = gone(&outcomes) {
        return Err(gone);
    }
    let rendering = rendered(&state, &bridge, &body, &shared, &outcomes);
    let links = shared.media.iter().map(|media| {
        let outcome = match &media.mxc {
            Ok(mxc) => outcomes.get(mxc).cloned(),
            Err(problem) => Some(Err(ApiError::invalid(&media.path, problem))),
        };
        let (link, error) = match outcome {
            Some(Ok(link)) => (Some(link), None),
            Some(Err(error)) => (None, Some(error.in_batch())),
            None => (None, Some(too_many().in_batch())),
        };
        LinkedMedia {
            path: media.path.clone(),
            kind: media.kind.as_str(),
            link,
            error,
        }
    });
    Ok(HttpResponse::Ok().json(EventAnswer {
        links: links.collect(),
        text: rendering.text,
        html: rendering.html,
        xmpp: rendering.xmpp,
    }))
}

/// How the event reads on the other side.
fn rendered(
    state: &AppState,
    bridge: &Bridge,
    body: &EventBody,
    event: &SharedEvent,
    outcomes: &Outcomes,
) -> Rendering {
    let linked = event.media.iter().filter_map(|media| {
        let link = outcomes.get(media.mxc.as_ref().ok()?)?.as_ref().ok()?;
        Some(MediaLink {
            media,
            url: link.url.as_deref()?,
            page_url: link.page_url.as_deref()?,
        })
    });
    let linked: Vec<MediaLink<'_>> = linked.collect();
    let localpart = event.sender.as_ref().map(UserId::localpart);
    let style = RenderStyle {
        template: &bridge.0.text,
        max_bytes: body.max_bytes.or(bridge.0.max_bytes),
        sender_name: body
            .sender_name
            .as_deref()
            .or(localpart)
            .unwrap_or_default(),
        network: &bridge.0.network,
    };
    let texts = state.config().languages.of(bridge.0.language);
    medialink_event::render_in(event, &linked, &style, &*texts)
}

/// The one answer for an event all of whose media are withdrawn.
fn gone(outcomes: &Outcomes) -> Option<ApiError> {
    let mut errors = outcomes.values().map(|outcome| outcome.as_ref().err());
    let first = errors.next()??;
    let is_gone = |error: &ApiError| error.status_code() == StatusCode::GONE;
    (is_gone(first) && errors.all(|error| error.is_some_and(is_gone))).then(|| first.clone())
}

/// The link of each medium, or the reason why there is none.
type Outcomes = HashMap<MxcUri, Result<LinkView, ApiError>>;

/// The options of the request that hold for all its links.
struct LinkOptions {
    lifetime: Option<Lifetime>,
    form: Option<LinkForm>,
}

fn too_many() -> ApiError {
    let problem = format!("the event names more media; allowed are {MAX_MEDIA}");
    ApiError::new(StatusCode::BAD_REQUEST, "M_TOO_LARGE", problem)
}

/// One link for each medium that the event names, however often it does.
async fn issue(
    bridge: &Bridge,
    state: &AppState,
    event: &SharedEvent,
    options: &LinkOptions,
    proof: Option<SubmittedEvent>,
) -> Result<Outcomes, ApiError> {
    let mut outcomes = HashMap::new();
    let mut seen = HashSet::new();
    let (mut asked, mut requests) = (Vec::new(), Vec::new());
    // A token or a key may stand beside another reference to the same medium.
    let (mut tokens, mut files) = (HashMap::new(), HashMap::new());
    let addressed = || {
        let media = event.media.iter();
        media.filter_map(|media| Some((media.mxc.as_ref().ok()?, media)))
    };
    for (mxc, media) in addressed() {
        if let Some(token) = &media.content_token {
            tokens.entry(mxc).or_insert(token);
        }
        if let Some(file) = &media.file {
            files.entry(mxc).or_insert(file);
        }
    }
    let distinct = addressed().filter(|(mxc, _)| seen.insert(*mxc));
    for (mxc, media) in distinct.take(MAX_MEDIA) {
        let secrets = Secrets {
            content_token: tokens.get(mxc).copied(),
            file: files.get(mxc).copied(),
        };
        match claims_for(event, mxc, media, &secrets) {
            Ok(claims) => {
                asked.push(mxc.clone());
                requests.push(request_for(event, media, claims, options, proof.clone()));
            }
            Err(error) => {
                outcomes.insert(mxc.clone(), Err(error));
            }
        }
    }
    let issued = state.links.issue(&bridge.0, requests).await?;
    for (mxc, outcome) in asked.into_iter().zip(issued) {
        let outcome = outcome
            .map(|issued| state.links.view(&issued.link))
            .map_err(ApiError::from);
        outcomes.insert(mxc, outcome);
    }
    Ok(outcomes)
}

/// The secrets that an event has for a medium.
struct Secrets<'a> {
    content_token: Option<&'a ContentToken>,
    file: Option<&'a Result<FileKeys, String>>,
}

fn claims_for(
    event: &SharedEvent,
    mxc: &MxcUri,
    media: &SharedMedia,
    secrets: &Secrets<'_>,
) -> Result<LinkClaims, ApiError> {
    let details = &media.details;
    let mut claims = LinkClaims::new(event.room_id.clone(), mxc.clone());
    claims.event_id.clone_from(&event.event_id);
    claims.content_token = secrets.content_token.cloned();
    claims.file = secrets
        .file
        .cloned()
        .transpose()
        .map_err(|problem| ApiError::invalid(&media.path, problem))?;
    claims.mimetype = details.mimetype.clone();
    claims.filename = details
        .filename
        .as_deref()
        .map(|name| link_name(name, details.mimetype.as_deref()));
    Ok(claims)
}

fn request_for(
    event: &SharedEvent,
    media: &SharedMedia,
    claims: LinkClaims,
    options: &LinkOptions,
    proof: Option<SubmittedEvent>,
) -> IssueRequest {
    let details = &media.details;
    IssueRequest {
        claims,
        event: proof,
        shown_by: event.shown_by.clone(),
        sender: event.sender.clone(),
        size: details.size.and_then(|size| i64::try_from(size).ok()),
        appearance: Some(details.appearance()),
        lifetime: options.lifetime,
        form: options.form,
        max_follows: None,
    }
}

impl From<EventError> for ApiError {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Missing(..) => Self::missing(&error.to_string()),
            EventError::Invalid(field, problem) => Self::invalid(field, problem),
        }
    }
}
