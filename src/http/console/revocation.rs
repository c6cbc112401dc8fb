//! Revoking all links that match: first it is told how many they are, then it is done.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    links::Revoker,
    operations::{count_live, revoke_matching},
    pages::{Block, Field, Form as PageForm, Tile, amount},
};

use super::{
    entry::Asked,
    error::ConsoleError,
    form::{Fields, Form},
    page::{AUDIT, see_other},
    session::Visitor,
};

/// `GET /console/links/revoke`: how many would end.
pub(super) async fn ask(
    visitor: Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, ConsoleError> {
    let asked = Asked::read(&Fields::parse(request.query_string().as_bytes()))?;
    refuse_all(&asked)?;
    let live = count(&visitor, &asked).await?;
    Ok(confirmation(&visitor, &asked, live, None))
}

/// `POST /console/links/revoke`: ends them, unless they have become more than was told.
pub(super) async fn revoke(form: Form) -> Result<HttpResponse, ConsoleError> {
    let asked = Asked::read(&form.fields)?;
    refuse_all(&asked)?;
    let told = form
        .fields
        .get("count")
        .and_then(|count| count.parse().ok());
    let told: usize = told.ok_or_else(|| {
        ConsoleError::bad("count: missing; allowed is the number of links that was shown.")
    })?;
    let visitor = &form.visitor;
    let live = count(visitor, &asked).await?;
    if live > told {
        return Ok(confirmation(visitor, &asked, live, Some(told)));
    }
    let revocation = visitor.does(|state, auditor| async move {
        let revoker = Revoker::new(state.database.clone(), state.config(), state.clock.clone());
        revoke_matching(&revoker, asked.bridge.as_deref(), asked.criteria, &auditor).await
    });
    revocation.await?;
    Ok(see_other(AUDIT))
}

fn refuse_all(asked: &Asked) -> Result<(), ConsoleError> {
    match asked.criteria.is_empty() {
        false => Ok(()),
        true => Err(ConsoleError::bad(
            "Nothing is given: at least one of room, event, media and sender is needed.",
        )),
    }
}

async fn count(visitor: &Visitor, asked: &Asked) -> Result<usize, ConsoleError> {
    let state = &visitor.state;
    let (bridge, criteria) = (asked.bridge.as_deref(), asked.criteria.clone());
    Ok(count_live(&state.database, bridge, criteria, &state.clock).await?)
}

fn confirmation(
    visitor: &Visitor,
    asked: &Asked,
    live: usize,
    told: Option<usize>,
) -> HttpResponse {
    let mut blocks = Vec::new();
    if let Some(told) = told {
        blocks.push(Block::Notice(format!(
            "Nothing is revoked yet: {told} links matched when the page was loaded, and more do now."
        )));
    }
    blocks.push(Block::Facts(asked.facts()));
    blocks.push(Block::Tiles(vec![Tile {
        name: "Live links that match",
        value: amount(live as u64),
        note: String::new(),
        is_bad: false,
    }]));
    let mut fields = asked.hidden();
    fields.push(Field::hidden("count", live.to_string()));
    blocks.push(Block::Text(
        "They end at once and for good. Links that were signed elsewhere and not followed yet end with them, unless a \
         sender is given, whom they do not tell."
            .to_owned(),
    ));
    blocks.push(Block::Form(PageForm {
        action: "/console/links/revoke".to_owned(),
        asks: false,
        fields,
        button: "Revoke them all",
        is_grave: true,
    }));
    visitor.page("/console/links", "Revoke all that match", blocks)
}
