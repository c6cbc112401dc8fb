//! What operators have done, by the console and by commands alike.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    pages::{Block, Cell, Table},
    storage::audit::{self, AuditEntry},
};

use super::{error::ConsoleError, form::Fields, page::AUDIT, session::Visitor};

/// How many entries a page has.
const PAGE: i64 = 100;

/// `GET /console/audit`.
pub(super) async fn page_of(
    visitor: Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, ConsoleError> {
    let fields = Fields::parse(request.query_string().as_bytes());
    let before = fields.get("from").and_then(|from| from.parse().ok());
    let reader = visitor.state.database.reader();
    let listed = audit::list(reader, before.unwrap_or(i64::MAX), PAGE).await?;
    let last = listed.last().filter(|_| listed.len() as i64 == PAGE);
    let older = last.map(|last| Block::Way(format!("{AUDIT}?from={}", last.id), "Older entries"));
    let mut blocks = vec![Block::Table(Table {
        caption: "What operators have done, the newest first",
        head: vec!["Entry", "Time", "Who", "What", "On", "How many"],
        rows: listed.iter().map(cells).collect(),
        empty: "Nothing yet.",
    })];
    blocks.extend(older);
    Ok(visitor.page(AUDIT, "Audit log", blocks))
}

fn cells(entry: &AuditEntry) -> Vec<Cell> {
    let affected = match entry.affected {
        Some(affected) => Cell::amount(affected),
        None => Cell::text("not done, or not yet"),
    };
    vec![
        Cell::text(&entry.id.to_string()),
        Cell::moment(Some(entry.done_at)),
        Cell::text(&entry.actor),
        Cell::text(&entry.deed),
        Cell::text(&entry.subject),
        affected,
    ]
}
