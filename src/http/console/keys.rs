//! The key ring: how old its keys are, how many links each has signed, a new one, and the ways to end one.

use actix_web::HttpResponse;
use medialink_link::{KeyEntry, KeyId, KeyState};

use crate::{
    operations::{KeyHome, rotate_keys},
    pages::{Block, Cell, Form as PageForm, Table, span},
    storage::{link_keys, links},
};

use super::{
    error::ConsoleError,
    form::Form,
    key_end::{retirement_of, revocation_of},
    page::{AUDIT, see_other},
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
    let reader = state.database.reader();
    for entry in &entries {
        let live = links::count_of_key(reader, entry.id, now).await?;
        rows.push(cells(entry, live, now));
    }
    for id in link_keys::not_retired(reader).await? {
        if entries.iter().all(|entry| entry.id != id) {
            rows.push(cells_of_missing(
                id,
                links::count_of_key(reader, id, now).await?,
            ));
        }
    }
    let blocks = vec![
        Block::Table(Table {
            caption: "Keys",
            head: vec![
                "ID", "State", "Age", "Signs nothing since", "Live links", "Bridge", "Revoke", "Retire",
            ],
            rows,
            empty: "None.",
        }),
        Block::Text(
            "A new key signs from then on; the one before it still verifies, so no link ends. Revoking a key ends all that it \
             has signed; a key that no live link needs is retired."
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
    Ok(visitor.page(SECTION, "Keys", blocks))
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
        match entry.state {
            KeyState::Revoked => Cell::text(""),
            KeyState::Active | KeyState::Verify => revocation(entry.id),
        },
        match entry.state {
            KeyState::Active => Cell::text(""),
            KeyState::Verify | KeyState::Revoked => retirement(entry.id),
        },
    ]
}

/// A key that is gone from where the keys are, and was not retired.
fn cells_of_missing(id: KeyId, live: i64) -> Vec<Cell> {
    let unknown = || Cell::text("");
    vec![
        Cell::text(&id.to_string()),
        Cell::state("missing"),
        unknown(),
        unknown(),
        Cell::amount(live),
        unknown(),
        unknown(),
        retirement(id),
    ]
}

fn revocation(id: KeyId) -> Cell {
    Cell::text(&format!("Revoke key {id}…")).to(revocation_of(id))
}

fn retirement(id: KeyId) -> Cell {
    Cell::text(&format!("Retire key {id}…")).to(retirement_of(id))
}

/// `POST /console/keys/rotate`.
pub(super) async fn rotate(form: Form) -> Result<HttpResponse, ConsoleError> {
    let rotation = form.visitor.does(|state, auditor| async move {
        rotate_keys(state.config(), &state.database, &auditor, &state.clock).await
    });
    rotation.await?;
    Ok(see_other(AUDIT))
}
