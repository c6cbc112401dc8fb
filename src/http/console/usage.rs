//! How media is counted as used: what waits, what failed and why, and another try.

use actix_web::HttpResponse;

use crate::{
    operations::retry_usage,
    pages::{Block, Cell, Form as PageForm, Table, Tile, amount},
    storage::meta_events::{self, MetaEventSummary},
};

use super::{
    entry::links_with,
    error::ConsoleError,
    form::Form,
    page::{AUDIT, see_other},
    session::Visitor,
};

/// How many meta events of a kind are shown.
const SHOWN: i64 = 50;
const SECTION: &str = "/console/usage";

/// `GET /console/usage`.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse, ConsoleError> {
    let reader = visitor.state.database.reader();
    let counts = meta_events::count_usages(reader).await?;
    let failed = meta_events::list(reader, Some("failed"), SHOWN).await?;
    let newest = meta_events::list(reader, None, SHOWN).await?;
    let of = |word: &str| {
        counts
            .iter()
            .find(|(state, _)| state == word)
            .map_or(0, |found| found.1)
    };
    let tile = |(name, word): (&'static str, &str)| Tile {
        name,
        value: amount(of(word).unsigned_abs()),
        note: String::new(),
        is_bad: word == "failed" && of(word) > 0,
    };
    let kinds = [
        ("Pending", "pending"),
        ("Counted", "counted"),
        ("Failed", "failed"),
        ("Released", "released"),
        ("Not to be counted", "disabled"),
    ];
    let mut blocks = vec![Block::Tiles(kinds.map(tile).to_vec())];
    if of("failed") > 0 {
        blocks.push(Block::Form(PageForm {
            action: "/console/usage/retry".to_owned(),
            asks: false,
            fields: Vec::new(),
            button: "Try the failed ones again",
            is_grave: false,
        }));
    }
    blocks.push(Block::Table(table("Meta events that failed", &failed)));
    blocks.push(Block::Table(table("The newest meta events", &newest)));
    Ok(visitor.page(SECTION, "Usage", blocks))
}

fn table(caption: &'static str, events: &[MetaEventSummary]) -> Table {
    let cells = |event: &MetaEventSummary| {
        vec![
            Cell::text(&event.id.to_string()),
            Cell::state(&event.state),
            Cell::text(&event.bridge),
            Cell::text(&event.room_id).to(links_with("room_id", &event.room_id)),
            Cell::amount(event.media),
            Cell::amount(event.attempts),
            Cell::moment(event.next_attempt_at),
            Cell::optional(event.last_error.as_deref()),
        ]
    };
    Table {
        caption,
        head: vec![
            "ID",
            "State",
            "Bridge",
            "Room",
            "Media",
            "Attempts",
            "Next attempt",
            "Error",
        ],
        rows: events.iter().map(cells).collect(),
        empty: "None.",
    }
}

/// `POST /console/usage/retry`.
pub(super) async fn retry(form: Form) -> Result<HttpResponse, ConsoleError> {
    let retry = form.visitor.does(|state, auditor| async move {
        retry_usage(&state.database, &auditor, &state.clock).await
    });
    retry.await?;
    Ok(see_other(AUDIT))
}
