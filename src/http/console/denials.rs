//! What gets no link or no service.

use actix_web::{HttpResponse, http::StatusCode};

use crate::{
    config::{Denial, DenyKind},
    operations::{check_reason, deny, undeny},
    pages::{Block, Cell, Field, Form as PageForm, Input, Table},
    storage::denials::{self, StoredDenial},
};

use super::{
    error::ConsoleError,
    form::{Fields, Form},
    page::see_other,
    session::Visitor,
};

const SECTION: &str = "/console/denials";

/// `GET /console/denials`.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse, ConsoleError> {
    let state = &visitor.state;
    let stored = denials::all(state.database.reader()).await?;
    let configured = state.config().abuse.deny.iter().map(|denial| {
        vec![
            Cell::text(denial.kind.as_str()),
            Cell::text(&denial.value),
            Cell::text("of the configuration"),
            Cell::default(),
            Cell::default(),
        ]
    });
    let rows = stored.iter().map(cells).chain(configured).collect();
    let blocks = vec![
        Block::Form(addition()),
        Block::Table(Table {
            caption: "What is denied",
            head: vec!["Kind", "Value", "Reason", "Since", "Allow again"],
            rows,
            empty: "Nothing.",
        }),
    ];
    Ok(visitor.page(SECTION, "Denials", blocks))
}

fn addition() -> PageForm {
    PageForm {
        action: format!("{SECTION}/add"),
        asks: false,
        fields: vec![
            Field {
                name: "kind",
                label: "Kind",
                value: DenyKind::Room.as_str().to_owned(),
                input: Input::Choice(DenyKind::ALL.map(DenyKind::as_str).to_vec()),
            },
            Field::needed(
                "value",
                "Value; * stands for anything in names, IDs, URIs and types",
            ),
            Field::typed("reason", "Reason, for operators alone", ""),
        ],
        button: "Deny",
        is_grave: true,
    }
}

fn cells(entry: &StoredDenial) -> Vec<Cell> {
    let removal = PageForm {
        action: format!("{SECTION}/remove"),
        asks: false,
        fields: vec![
            Field::hidden("kind", &entry.kind),
            Field::hidden("value", &entry.value),
        ],
        button: "Allow",
        is_grave: false,
    };
    vec![
        Cell::text(&entry.kind),
        Cell::text(&entry.value),
        Cell::text(&entry.reason),
        Cell::moment(Some(entry.created_at)),
        Cell::button(removal),
    ]
}

fn denial(fields: &Fields) -> Result<Denial, ConsoleError> {
    let kind = fields.get("kind").unwrap_or_default().parse::<DenyKind>();
    let kind = kind.map_err(|problem| ConsoleError::bad(format!("kind: {problem}")))?;
    Denial::parse(kind, fields.get("value").unwrap_or_default())
        .map_err(|problem| ConsoleError::bad(format!("{}: {problem}", kind.as_str())))
}

/// `POST /console/denials/add`.
pub(super) async fn add(form: Form) -> Result<HttpResponse, ConsoleError> {
    let denial = denial(&form.fields)?;
    let reason = form.fields.get("reason").unwrap_or_default().to_owned();
    check_reason(&reason).map_err(|problem| ConsoleError::bad(format!("reason: {problem}")))?;
    let addition = form.visitor.does(|state, auditor| async move {
        deny(&state.database, &denial, reason, (&auditor, &state.clock)).await
    });
    addition.await?;
    Ok(see_other(SECTION))
}

/// `POST /console/denials/remove`.
pub(super) async fn remove(form: Form) -> Result<HttpResponse, ConsoleError> {
    let denial = denial(&form.fields)?;
    let removal = form
        .visitor
        .does(|state, auditor| async move { undeny(&state.database, &denial, &auditor).await });
    match removal.await? {
        true => Ok(see_other(SECTION)),
        false => Err(ConsoleError::refused(
            StatusCode::NOT_FOUND,
            "This is not on the list. What the configuration denies is changed there.",
        )),
    }
}
