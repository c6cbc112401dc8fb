//! Links: lists of them, one of them, and its end.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Path};

use crate::{
    links::{FoundLink, Revoker},
    operations::{RecordedLink, Takedown, TakedownError, check_reason, find_link, revoke_one},
    pages::{Block, Cell, Field, Form as PageForm, Input, Table},
    storage::links::{self, LinkRow},
};
use medialink_link::LinkState;

use super::{
    super::{request_log::LogLink, state::AppState},
    entry::{Asked, STATES, link_page, links_with},
    error::ConsoleError,
    form::{Fields, Form},
    page::{AUDIT, see_other},
    session::Visitor,
};

/// How many links a page has.
const PAGE: i64 = 50;
const SECTION: &str = "/console/links";

/// `GET /console/links`.
pub(super) async fn list(
    visitor: Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, ConsoleError> {
    let fields = Fields::parse(request.query_string().as_bytes());
    let asked = Asked::read(&fields)?;
    let before = fields.get("from").and_then(|from| from.parse().ok());
    let (state, criteria) = (&visitor.state, &asked.criteria);
    let (reader, now) = (state.database.reader(), state.clock.now_ms());
    let rows = links::list(reader, asked.bridge.as_deref(), criteria, before, PAGE, now).await?;
    let mut blocks = vec![Block::Form(filter(&asked))];
    if !asked.criteria.is_empty() {
        let href = format!("/console/links/revoke?{}", asked.query());
        blocks.push(Block::Way(href, "Revoke all that match…"));
    }
    let last = rows.last().filter(|_| rows.len() as i64 == PAGE);
    let older = last.map(|last| {
        let state = criteria
            .state
            .map(|state| format!("&state={}", state.as_str()));
        format!(
            "/console/links?{}{}&from={}",
            asked.query(),
            state.unwrap_or_default(),
            last.id
        )
    });
    blocks.push(Block::Table(Table {
        caption: "Links, the newest first",
        head: vec![
            "ID", "State", "Issued", "Expires", "Follows", "Served", "Bridge", "Room", "Sender",
        ],
        rows: rows.iter().map(|row| cells(row, now)).collect(),
        empty: "No link matches.",
    }));
    blocks.extend(older.map(|href| Block::Way(href, "Older links")));
    Ok(visitor.page(SECTION, "Links", blocks))
}

fn filter(asked: &Asked) -> PageForm {
    let criteria = &asked.criteria;
    let typed = |name, label, value: &Option<String>| {
        Field::typed(name, label, value.as_deref().unwrap_or_default())
    };
    PageForm {
        action: SECTION.to_owned(),
        asks: true,
        fields: vec![
            typed("room_id", "Room", &criteria.room_id),
            typed("event_id", "Event", &criteria.event_id),
            typed("mxc", "Media", &criteria.mxc),
            typed("sender", "Sender", &criteria.sender),
            typed("bridge", "Bridge", &asked.bridge),
            Field {
                name: "state",
                label: "State",
                value: criteria.state.map_or("", LinkState::as_str).to_owned(),
                input: Input::Choice(STATES.to_vec()),
            },
        ],
        button: "Show",
        is_grave: false,
    }
}

fn cells(row: &LinkRow, now: i64) -> Vec<Cell> {
    let room = row
        .claims
        .room()
        .map(ToString::to_string)
        .unwrap_or_default();
    let sender = row.sender.as_deref().unwrap_or_default();
    vec![
        Cell::text(&row.link_id).to(link_page(&row.link_id)),
        Cell::state(row.state_at(now).as_str()),
        Cell::moment(Some(row.issued_at)),
        Cell::moment(row.expires_at),
        Cell::amount(row.follows),
        Cell::bytes(row.bytes_served),
        Cell::text(&row.bridge),
        Cell::text(&room).to(links_with("room_id", &room)),
        Cell::text(sender).to(links_with("sender", sender)),
    ]
}

/// The link that a path names.
async fn found(
    state: &AppState,
    request: &HttpRequest,
    link_id: &str,
) -> Result<RecordedLink, ConsoleError> {
    let found = find_link(&state.database, state.config(), link_id).await?;
    let found = found.ok_or_else(|| {
        ConsoleError::refused(
            StatusCode::NOT_FOUND,
            "No link is recorded with this ID. One that was signed elsewhere is recorded when it is first followed: until \
             then, it is revoked by its room, its event or its media.",
        )
    })?;
    LogLink::note(request, &found.link_id);
    Ok(found)
}

/// `GET /console/links/{link_id}`.
pub(super) async fn show(
    visitor: Visitor,
    request: HttpRequest,
    link_id: Path<String>,
) -> Result<HttpResponse, ConsoleError> {
    let state = &visitor.state;
    let found = found(state, &request, &link_id).await?;
    let now = state.clock.now_ms();
    let mut facts = vec![
        ("ID", Cell::text(&found.link_id)),
        ("State", Cell::state(found.link.state_at(now).as_str())),
        ("Bridge", Cell::text(&found.bridge)),
    ];
    let mut blocks = Vec::new();
    match &found.link {
        FoundLink::Recorded(row) => {
            facts.extend(facts_of(row));
            blocks.push(Block::Facts(facts));
            blocks.extend(deeds(row, row.state_at(now) == LinkState::Live));
        }
        FoundLink::Buried(tombstone) => {
            facts.push(("Ended", Cell::moment(Some(tombstone.ended_at_s * 1000))));
            blocks.push(Block::Facts(facts));
            let told = "It ended so long ago that nothing else of it is kept.";
            blocks.push(Block::Text(told.to_owned()));
        }
    }
    Ok(visitor.page(SECTION, format!("Link {}", found.link_id), blocks))
}

fn facts_of(row: &LinkRow) -> Vec<(&'static str, Cell)> {
    let claims = &row.claims;
    let room = claims.room().map(ToString::to_string).unwrap_or_default();
    let event = claims
        .event_id
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (mxc, sender) = (
        claims.mxc.to_string(),
        row.sender.as_deref().unwrap_or_default(),
    );
    let max_follows = row.max_follows.map(|max| max.to_string());
    vec![
        ("Form", Cell::text(row.form.as_str())),
        (
            "Key",
            Cell::optional(row.key_id.map(|id| id.to_string()).as_deref()),
        ),
        ("File name", Cell::optional(claims.filename.as_deref())),
        ("Media type", Cell::optional(claims.mimetype.as_deref())),
        ("Media", Cell::text(&mxc).to(links_with("mxc", &mxc))),
        ("Room", Cell::text(&room).to(links_with("room_id", &room))),
        (
            "Event",
            Cell::text(&event).to(links_with("event_id", &event)),
        ),
        (
            "Sender",
            Cell::text(sender).to(links_with("sender", sender)),
        ),
        ("Issued", Cell::moment(Some(row.issued_at))),
        ("Expires", Cell::moment(row.expires_at)),
        ("Follows", Cell::amount(row.follows)),
        ("Follows allowed", Cell::optional(max_follows.as_deref())),
        ("Served", Cell::bytes(row.bytes_served)),
        ("Last followed", Cell::moment(row.last_followed_at)),
        ("Usage", Cell::state(row.usage_state.as_str())),
        ("Counted by", Cell::optional(row.usage_event_id.as_deref())),
    ]
}

/// What can be done to a link.
fn deeds(row: &LinkRow, is_live: bool) -> Vec<Block> {
    let action = |deed: &str| format!("{}/{deed}", link_page(&row.link_id));
    let revoke = is_live.then(|| {
        Block::Form(PageForm {
            action: action("revoke"),
            asks: false,
            fields: Vec::new(),
            button: "Revoke this link",
            is_grave: true,
        })
    });
    let takedown = [
        Block::Heading("Take down"),
        Block::Text(
            "Denies the media and its bytes, under whatever mxc URI, and revokes all links to it."
                .to_owned(),
        ),
        Block::Form(PageForm {
            action: action("takedown"),
            asks: false,
            fields: vec![Field::typed("reason", "Reason, for operators alone", "")],
            button: "Take down",
            is_grave: true,
        }),
    ];
    revoke.into_iter().chain(takedown).collect()
}

/// `POST /console/links/{link_id}/revoke`.
pub(super) async fn revoke(
    form: Form,
    request: HttpRequest,
    link_id: Path<String>,
) -> Result<HttpResponse, ConsoleError> {
    let found = found(&form.visitor.state, &request, &link_id).await?;
    let page = link_page(&found.link_id);
    let revocation = form.visitor.does(|state, auditor| async move {
        let revoker = Revoker::new(state.database.clone(), state.config(), state.clock.clone());
        revoke_one(&revoker, &found, &auditor, &state.clock).await
    });
    revocation.await?;
    Ok(see_other(&page))
}

/// `POST /console/links/{link_id}/takedown`.
pub(super) async fn take_down(
    form: Form,
    request: HttpRequest,
    link_id: Path<String>,
) -> Result<HttpResponse, ConsoleError> {
    let reason = form.fields.get("reason").unwrap_or_default().to_owned();
    check_reason(&reason).map_err(|problem| ConsoleError::bad(format!("reason: {problem}")))?;
    let found = found(&form.visitor.state, &request, &link_id).await?;
    let takedown = form.visitor.does(|state, auditor| async move {
        let config = state.config();
        let way = (state.homeserver.clone(), state.features.clone());
        let takedown = Takedown::open(config, &state.database, way, auditor, &state.clock).await?;
        let done = takedown.take_down(config, &found, &reason).await?;
        if let Some(why) = &done.unread {
            let link_id = found.link_id;
            tracing::warn!(link_id, why, "the bytes of a takedown could not be had");
        }
        Ok::<_, TakedownError>(done)
    });
    let done = takedown.await?;
    if done.unread.is_none() {
        return Ok(see_other(AUDIT));
    }
    let told = format!(
        "The media is denied and {} links to it are revoked, but its bytes could not be had: where they are uploaded once \
         more, they are not known again.",
        done.revoked
    );
    Err(ConsoleError::refused(StatusCode::BAD_GATEWAY, told))
}
