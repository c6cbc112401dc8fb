//! What readers have reported.

use actix_web::{HttpResponse, http::StatusCode, web::Path};

use crate::{
    operations::mark_report,
    pages::{Block, Cell, Form as PageForm, Table},
    storage::reports::{self, ReportSummary},
};

use super::{
    entry::{link_page, links_with},
    error::ConsoleError,
    form::Form,
    page::see_other,
    session::Visitor,
};

/// How many reports are shown.
const SHOWN: i64 = 200;
const SECTION: &str = "/console/reports";

/// `GET /console/reports`.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse, ConsoleError> {
    let listed = reports::list(visitor.state.database.reader(), SHOWN).await?;
    let (open, seen): (Vec<_>, Vec<_>) = listed
        .iter()
        .partition(|report| report.handled_at.is_none());
    let blocks = vec![
        Block::Text(
            "A report ends nothing by itself. Its link has a page, where it is revoked or its media taken down.".to_owned(),
        ),
        Block::Table(table("Open reports, the newest first", &open)),
        Block::Table(table("Reports that were seen to", &seen)),
    ];
    Ok(visitor.page(SECTION, "Reports", blocks))
}

fn table(caption: &'static str, reports: &[&ReportSummary]) -> Table {
    Table {
        caption,
        head: vec![
            "Report",
            "Made",
            "Link",
            "Reason",
            "Note",
            "Room",
            "Sender",
            "Homeserver",
            "Operator",
            "Seen to",
        ],
        rows: reports.iter().map(|report| cells(report)).collect(),
        empty: "None.",
    }
}

fn cells(report: &ReportSummary) -> Vec<Cell> {
    let told = |outcome: &Option<String>| match outcome {
        Some(word) => Cell::state(word),
        None => Cell::text("not to be told"),
    };
    let mark = || PageForm {
        action: format!("{SECTION}/{}/mark", report.id),
        asks: false,
        fields: Vec::new(),
        button: "Mark",
        is_grave: false,
    };
    vec![
        Cell::text(&report.id.to_string()),
        Cell::moment(Some(report.created_at)),
        Cell::text(&report.link_id).to(link_page(&report.link_id)),
        Cell::text(&report.reason),
        Cell::text(&report.note),
        Cell::text(&report.room_id).to(links_with("room_id", &report.room_id)),
        Cell::text(&report.sender).to(links_with("sender", &report.sender)),
        told(&report.homeserver),
        told(&report.operator),
        match report.handled_at {
            None => Cell::button(mark()),
            at => Cell::moment(at),
        },
    ]
}

/// `POST /console/reports/{id}/mark`.
pub(super) async fn mark(form: Form, id: Path<i64>) -> Result<HttpResponse, ConsoleError> {
    let id = id.into_inner();
    let marking = form.visitor.does(move |state, auditor| async move {
        mark_report(&state.database, id, &auditor, &state.clock).await
    });
    match marking.await? {
        true => Ok(see_other(SECTION)),
        false => Err(ConsoleError::refused(
            StatusCode::NOT_FOUND,
            "There is no report with this number that is not marked already.",
        )),
    }
}
