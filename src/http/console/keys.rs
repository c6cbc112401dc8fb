//! The key ring: how old its keys are, how many links each has signed, and a new one.

use actix_web::HttpResponse;
use medialink_link::KeyEntry;

use crate::{
    operations::{KeyHome, rotate_keys},
    pages::{Block, Cell, ConsolePage, Form as PageForm, Table, span},
    storage::links,
};

use super::{
    error::ConsoleError,
    form::Form,
    page::{AUDIT, page as answer, see_other},
    session::Visitor,
};

const SECTION: &str = "/console/keys";

/// `GET /console/keys`.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse, ConsoleError> {
    let state = &visitor.state;
    let entries = KeyHome::of(state.config(), &state.database)
        .entries()
        .await?;
    let now = state.clock.now_ms();
    let mut rows = Vec::new();
    for entry in &entries {
        let live = links::count_of_key(state.database.reader(), entry.id, now).await?;
        rows.push(cells(entry, live, now));
    }
    let blocks = vec![
        Block::Table(Table {
            caption: "Keys",
            head: vec!["ID", "State", "Age", "Signs nothing since", "Live links", "Bridge"],
            rows,
            empty: "None.",
        }),
        Block::Text(
            "A new key signs from then on; the one before it still verifies, so no link ends. Keys are revoked and retired by \
             medialink keys."
                .to_owned(),
        ),
        Block::Form(PageForm {
            action: "/console/keys/rotate".to_owned(),
            asks: false,
            fields: Vec::new(),
            button: "Make a new active key",
            is_grave: false,
        }),
    ];
    let (frame, title) = (visitor.frame(SECTION), "Keys".to_owned());
    Ok(answer(
        ConsolePage {
            frame,
            title,
            blocks,
        }
        .render(),
    ))
}

fn cells(entry: &KeyEntry, live: i64, now: i64) -> Vec<Cell> {
    let ms = |time: time::OffsetDateTime| time.unix_timestamp().saturating_mul(1000);
    vec![
        Cell::text(&entry.id.to_string()),
        Cell::state(entry.state.as_str()),
        Cell::text(&span(now - ms(entry.created))),
        Cell::moment(entry.last_active.map(ms)),
        Cell::amount(live),
        Cell::text(entry.bridge.as_deref().unwrap_or("any")),
    ]
}

/// `POST /console/keys/rotate`.
pub(super) async fn rotate(form: Form) -> Result<HttpResponse, ConsoleError> {
    let state = &form.visitor.state;
    let auditor = form.visitor.auditor();
    rotate_keys(state.config(), &state.database, &auditor, &state.clock).await?;
    Ok(see_other(AUDIT))
}
