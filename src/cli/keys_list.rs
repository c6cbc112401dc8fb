//! `keys list`: the keys, never their secrets.

use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    clock::Clock,
    storage::{Database, links},
};
use medialink_link::KeyEntry;

use super::terminal::Terminal;

const HEAD: [&str; 6] = [
    "id",
    "state",
    "created",
    "last active",
    "live links",
    "bridge",
];

/// Prints them: as JSON, one object a line, as a table on a terminal, or as text.
pub(super) async fn list(
    database: &Database,
    keys: Vec<KeyEntry>,
    is_json: bool,
) -> anyhow::Result<()> {
    let rfc3339 = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
    let mut rows = Vec::new();
    for key in keys {
        let now = Clock::default().now_ms();
        let live = links::count_of_key(database.reader(), key.id, now).await?;
        let (created, last_active) = (rfc3339(key.created), key.last_active.map(rfc3339));
        if is_json {
            println!(
                "{}",
                json!({"id": key.id, "state": key.state.as_str(), "created": created, "last_active": last_active,
                    "live_links": live, "bridge": key.bridge})
            );
            continue;
        }
        rows.push([
            key.id.to_string(),
            key.state.as_str().to_owned(),
            created,
            last_active.unwrap_or_default(),
            live.to_string(),
            key.bridge.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    if is_json {
        return Ok(());
    }
    if let Some(terminal) = Terminal::unless(is_json) {
        print!("{}", terminal.table(HEAD, &rows));
        return Ok(());
    }
    for [id, state, created, last_active, live, bridge] in
        [HEAD.map(str::to_owned)].iter().chain(&rows)
    {
        println!("{id:>3}  {state:<7}  {created:<20}  {last_active:<20}  {live:>10}  {bridge}");
    }
    Ok(())
}
