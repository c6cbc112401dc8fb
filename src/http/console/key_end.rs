//! Revoking and retiring keys: first it is told what ends with a key, then it is done.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use medialink_link::{KeyId, KeyState};

use crate::{
    operations::{EndingKey, retire_key, revoke_key},
    pages::{Block, Cell, Field, Form as PageForm, Tile, amount},
};

use super::{
    error::ConsoleError,
    form::{Fields, Form},
    page::{AUDIT, see_other},
    session::Visitor,
};

const SECTION: &str = "/console/keys";

/// The page that asks before a key is revoked.
pub(super) fn revocation_of(id: KeyId) -> String {
    format!("{SECTION}/{id}/revoke")
}

/// The page that asks before a key is retired.
pub(super) fn retirement_of(id: KeyId) -> String {
    format!("{SECTION}/{id}/retire")
}

/// `GET /console/keys/{id}/revoke`: how many links would end.
pub(super) async fn ask_revoke(
    visitor: Visitor,
    id: Path<String>,
) -> Result<HttpResponse, ConsoleError> {
    let key = found(&visitor, &id).await?;
    key.check_revocable()?;
    Ok(revocation(&visitor, &key, None))
}

/// `POST /console/keys/{id}/revoke`: ends them, unless they have become more than was told.
pub(super) async fn revoke(form: Form, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    let told = told(&form.fields)?;
    let visitor = form.visitor;
    let key = found(&visitor, &id).await?;
    key.check_revocable()?;
    if key.live_links > told {
        return Ok(revocation(&visitor, &key, Some(told)));
    }
    let revocation = visitor.does(|state, auditor| async move {
        let (config, database) = (state.config(), &state.database);
        revoke_key(config, database, &auditor, &state.clock, key.id).await
    });
    revocation.await?;
    Ok(see_other(AUDIT))
}

/// `GET /console/keys/{id}/retire`: what may still need the key.
pub(super) async fn ask_retire(
    visitor: Visitor,
    id: Path<String>,
) -> Result<HttpResponse, ConsoleError> {
    let key = found(&visitor, &id).await?;
    key.check_retirable()?;
    let needs = needs(&visitor, &key);
    Ok(retirement(&visitor, &key, &needs, None))
}

/// `POST /console/keys/{id}/retire`: takes it out, unless something needs it that was not told.
pub(super) async fn retire(form: Form, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    let told = told(&form.fields)?;
    let is_forced = form.fields.get("force").is_some();
    let visitor = form.visitor;
    let key = found(&visitor, &id).await?;
    key.check_retirable()?;
    let needs = needs(&visitor, &key);
    let is_needed = !needs.is_empty() && !is_forced;
    if is_needed || key.live_links > told {
        return Ok(retirement(&visitor, &key, &needs, Some(told)));
    }
    let retirement = visitor.does(|state, auditor| async move {
        let (config, database) = (state.config(), &state.database);
        retire_key(config, database, &auditor, &state.clock, (&key, is_forced)).await
    });
    retirement.await?;
    Ok(see_other(AUDIT))
}

async fn found(visitor: &Visitor, id: &str) -> Result<EndingKey, ConsoleError> {
    let id: KeyId = id.parse().map_err(|_| {
        let told = "key: found something else; allowed is a number from 0 to 255.";
        ConsoleError::refused(StatusCode::NOT_FOUND, told)
    })?;
    let state = &visitor.state;
    let now = state.clock.now_ms();
    Ok(EndingKey::find(state.config(), &state.database, id, now).await?)
}

fn needs(visitor: &Visitor, key: &EndingKey) -> Vec<String> {
    let state = &visitor.state;
    key.needs(state.config(), &state.clock)
}

/// How many live links the page has told.
fn told(fields: &Fields) -> Result<i64, ConsoleError> {
    let count = fields.get("count").and_then(|count| count.parse().ok());
    count.ok_or_else(|| {
        ConsoleError::bad("count: missing; allowed is the number of links that was shown.")
    })
}

/// What is known of a key.
fn facts(key: &EndingKey) -> [Block; 2] {
    let state = key.state.map_or("missing", KeyState::as_str);
    [
        Block::Facts(vec![
            ("Key", Cell::text(&key.id.to_string())),
            ("State", Cell::state(state)),
            ("Bridge", Cell::text(key.bridge.as_deref().unwrap_or("any"))),
        ]),
        Block::Tiles(vec![Tile {
            name: "Live links that it has signed",
            value: amount(key.live_links.unsigned_abs()),
            note: String::new(),
            is_bad: false,
        }]),
    ]
}

fn revocation(visitor: &Visitor, key: &EndingKey, told: Option<i64>) -> HttpResponse {
    let mut blocks = Vec::new();
    if let Some(told) = told {
        blocks.push(Block::Notice(format!(
            "Nothing is revoked yet: the key had signed {told} live links when the page was loaded, and more by now."
        )));
    }
    blocks.extend(facts(key));
    let mut ends = "They end at once and for good, and with them all that were signed elsewhere by this key, whether \
                    they were followed yet or not."
        .to_owned();
    if key.state == Some(KeyState::Active) {
        ends.push_str(" It is the active key: a new one signs from then on.");
    }
    blocks.push(Block::Text(ends));
    blocks.push(Block::Form(PageForm {
        action: revocation_of(key.id),
        asks: false,
        fields: vec![Field::hidden("count", key.live_links.to_string())],
        button: "Revoke the key",
        is_grave: true,
    }));
    visitor.page(SECTION, format!("Revoke key {}", key.id), blocks)
}

fn retirement(
    visitor: &Visitor,
    key: &EndingKey,
    needs: &[String],
    told: Option<i64>,
) -> HttpResponse {
    let mut blocks = Vec::new();
    if told.is_some() {
        let yet = "Nothing is retired yet: more may need the key than the page has told.";
        blocks.push(Block::Notice(yet.to_owned()));
    }
    blocks.extend(facts(key));
    let mut fields = vec![Field::hidden("count", key.live_links.to_string())];
    let is_free = needs.is_empty();
    if is_free {
        let told = "No live link needs it. It is taken out for good: links that it has signed answer 404 from then on.";
        blocks.push(Block::Text(told.to_owned()));
    } else {
        for need in needs {
            blocks.push(Block::Notice(format!("It may be needed: {need}.")));
        }
        let told = "By force it is taken out all the same: those links end at once and for good, and answer 404.";
        blocks.push(Block::Text(told.to_owned()));
        fields.push(Field::hidden("force", "yes"));
    }
    blocks.push(Block::Form(PageForm {
        action: retirement_of(key.id),
        asks: false,
        fields,
        button: if is_free {
            "Retire the key"
        } else {
            "Retire it by force"
        },
        is_grave: true,
    }));
    visitor.page(SECTION, format!("Retire key {}", key.id), blocks)
}
