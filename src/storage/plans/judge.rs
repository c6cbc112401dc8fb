//! Whether a plan costs what the statement touches.

/// Indexes of rows that wait for something to be done: they hold little, and may be read whole.
const WORK: [&str; 19] = [
    "cache_purges_pkey",
    "front_purges_due",
    "front_purges_pkey",
    "endings_open",
    "links_doubted",
    "links_secret",
    "media_references_disabled",
    "media_references_failed",
    "media_references_pending",
    "media_references_queued",
    "media_references_secret",
    "media_references_waiting",
    "meta_events_claimed",
    "meta_events_due",
    "meta_events_review",
    "room_policies_due",
    "room_successors_check",
    "seen_media_doubted",
    "seen_media_secret",
];

/// Tables with few rows, one for each key, secret or room, and what statements make meanwhile.
const SMALL: [&str; 22] = [
    "_sqlx_migrations",
    "c",
    "changes",
    "compared_rooms",
    "endings",
    "here",
    "homeserver_features",
    // The rows that a statement is given.
    "json_each",
    "leases",
    "link_keys",
    "part",
    "pg_class",
    "pg_namespace",
    "purge_cursors",
    "questioned_rooms",
    "readiness",
    "resting_rooms",
    "room_policies",
    "room_successors",
    "secrets",
    "sqlite_master",
    "todo",
];

/// Statements that may, by a part of their text and of a line of their plan.
const ALLOWED: [(&str, &str); 35] = [
    // The smallest value beyond another one: one step in the index.
    ("SELECT MIN(bridge) FROM", "bridge"),
    ("SELECT MAX(c.id)", "c USING INTEGER PRIMARY KEY (rowid<?)"),
    (
        "SELECT MAX(u.first)",
        "u USING INTEGER PRIMARY KEY (rowid<?)",
    ),
    // What the write itself has stored, at the end of the table.
    (
        "json_array(link_id, id)) FROM links WHERE id > ",
        "SEARCH links USING INTEGER PRIMARY KEY (rowid>?)",
    ),
    // Whether there is any row.
    (
        "SELECT EXISTS (SELECT 1 FROM open_questions)",
        "open_questions",
    ),
    // The first row in the order of the index.
    (
        "SELECT device_id FROM meta_events",
        "INDEX meta_events_of_bridge (bridge=?)",
    ),
    (
        "SELECT device_id FROM meta_events",
        "using meta_events_of_bridge",
    ),
    // A page, in the order of the index.
    (
        "ORDER BY l.issued_at DESC",
        "INDEX links_of_bridge (bridge=?",
    ),
    (
        "ORDER BY l.issued_at DESC",
        "INDEX links_ended_of_bridge (bridge=? AND state=?",
    ),
    (
        "ORDER BY l.issued_at DESC",
        "INDEX links_legacy (bridge=? AND state=?",
    ),
    ("ORDER BY l.issued_at DESC", "links_pkey"),
    ("ORDER BY l.issued_at DESC", "using links_of_bridge"),
    ("ORDER BY l.issued_at DESC", "using links_ended_of_bridge"),
    ("ORDER BY l.issued_at DESC", "using links_legacy"),
    // The first of those that are to come.
    ("SELECT MIN(expires_at) FROM links", "using links_expiring"),
    (
        "SELECT MIN(expires_at) FROM links",
        "INDEX links_expiring (expires_at>?)",
    ),
    (
        "SELECT device_id FROM meta_events",
        "using meta_events_pkey",
    ),
    // Beside another index, which finds the rows: in tables as small as here both are read.
    ("", "Bitmap Index Scan on links_of_key"),
    // Of all rooms that are to be compared at once.
    ("FROM compared_rooms c", "meta_events_of_room"),
    ("FROM meta_events e WHERE e.id >= 0", "(rowid>?)"),
    ("FROM meta_events e WHERE e.id >= 0", "meta_events_pkey"),
    ("FROM reports r WHERE r.id >= 0", "(rowid>?)"),
    ("FROM reports r WHERE r.id >= 0", "reports_pkey"),
    ("FROM audit a WHERE a.id < ", "(rowid<?)"),
    ("FROM audit a WHERE a.id < ", "audit_pkey"),
    // From one end of the log.
    (
        "FROM purge_log",
        "purge_log USING INTEGER PRIMARY KEY (rowid",
    ),
    ("FROM purge_log", "purge_log_pkey"),
    // Asked for by an operator.
    ("SELECT bridge, COUNT(*) FROM links", "links"),
    (
        "SELECT state, COUNT(*) FROM media_references",
        "media_references",
    ),
    ("DELETE FROM reports WHERE", "reports"),
    ("UPDATE audit SET subject", "audit"),
    // An operator's list, which services have in memory: it is read when it has changed.
    ("FROM denials ORDER BY", "denials"),
    ("DELETE FROM matrix_ids", "media_references"),
    // The check of foreign keys of a row whose ID does not change, which does not take place.
    ("INSERT INTO media_references", "SCAN "),
    // The same for a new row, which none refers to yet.
    ("INSERT INTO matrix_ids", "SCAN "),
];

/// Columns that many rows share: to look for them alone is to look through the table.
const COMMON: [&str; 3] = ["bridge", "state", "form"];

/// What is wrong with a plan.
pub fn faults(text: &str, plan: &[String], is_sqlite: bool) -> Vec<String> {
    let mut faults = if is_sqlite {
        sqlite_faults(text, plan)
    } else {
        postgres_faults(plan)
    };
    faults.retain(|fault| {
        let is_allowed = |(part, line): &(&str, &str)| text.contains(part) && fault.contains(line);
        !ALLOWED.iter().any(is_allowed)
    });
    faults
}

/// The table that a name in a plan stands for.
fn table<'a>(text: &'a str, name: &'a str) -> &'a str {
    let words: Vec<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let named = words.windows(2).find_map(|pair| {
        let is_table =
            pair[0].contains('_') || ["links", "touches", "secrets", "endings"].contains(&pair[0]);
        (pair[1] == name && is_table).then_some(pair[0])
    });
    let renamed = words.windows(3).find_map(|three| {
        (three[1] == "AS" && three[2] == name && three[0] == "links").then_some(three[0])
    });
    renamed.or(named).unwrap_or(name)
}

fn sqlite_faults(text: &str, plan: &[String]) -> Vec<String> {
    let mut faults = vec![];
    for line in plan {
        let mut words = line.split(' ');
        let (kind, name) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let index = line
            .split("INDEX ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let is_work = index.is_some_and(|index| WORK.contains(&index));
        if is_work || name.starts_with("(subquery") || SMALL.contains(&table(text, name)) {
            continue;
        }
        match kind {
            "SCAN" if line != "SCAN CONSTANT ROW" => faults.push(line.clone()),
            "SEARCH" => {
                let conditions = line
                    .split_once('(')
                    .map(|(_, rest)| rest.trim_end_matches(')'));
                let conditions: Vec<&str> = conditions
                    .into_iter()
                    .flat_map(|all| all.split(" AND "))
                    .collect();
                let is_common = |condition: &&str| {
                    let column = condition.split(['=', '<', '>']).next().unwrap_or("");
                    // All that have a value are most of them.
                    let is_any = condition.ends_with(">?")
                        && text.contains(&format!("{column} IS NOT NULL"))
                        && !text.contains(&format!("{column} >"));
                    COMMON.contains(&column)
                        || is_any
                        || (column == "rowid" && !condition.contains('='))
                };
                if !conditions.is_empty() && conditions.iter().all(is_common) {
                    faults.push(line.clone());
                }
            }
            _ => {}
        }
    }
    faults
}

fn postgres_faults(plan: &[String]) -> Vec<String> {
    let mut faults = vec![];
    for (n, line) in plan.iter().enumerate() {
        let node = line.trim_start().trim_start_matches("->").trim_start();
        let after = |start: &str| {
            let rest = node.split_once(start)?.1;
            rest.split(' ').next()
        };
        if let Some(table) = after("Seq Scan on ") {
            if !SMALL.contains(&table) {
                faults.push(node.to_owned());
            }
            continue;
        }
        let index = after("Bitmap Index Scan on ")
            .or_else(|| after("Scan using "))
            .or_else(|| after("Scan Backward using "));
        let Some(index) = index.filter(|index| !WORK.contains(index)) else {
            continue;
        };
        if SMALL.iter().any(|table| index.starts_with(table)) {
            continue;
        }
        let details = plan[n + 1..].iter().take_while(|line| !line.contains("->"));
        let condition = details
            .map(|line| line.trim())
            .find_map(|line| line.strip_prefix("Index Cond: "));
        let is_common = |condition: &str| {
            condition.split(" AND ").all(|part| {
                let part = part.trim_start_matches('(');
                let column = part.split([' ', ')']).next().unwrap_or("");
                COMMON.contains(&column)
                    || (column == "id" && !part.contains(" = ") && !part.contains("IS NOT NULL"))
            })
        };
        if condition.is_none_or(is_common) {
            faults.push(format!("{node} {condition:?}"));
        }
    }
    faults
}
