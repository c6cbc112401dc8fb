//! Listing links, page by page. All of this fails only if the database does.
//!
//! A page is the first rows of several parts together. Each part is read in order from an index, so that
//! a page costs the same however many links there are.

use medialink_link::LinkState;

use super::{
    super::{
        StorageError,
        engine::{Connection, QueryBuilder, Reader, query_as, query_scalar},
    },
    criteria::{Criteria, Finder, push_criteria, push_part_of_time, push_state, push_time},
    row::{LinkRow, SELECT},
};

/// Every state that a row may have.
const STATES: [LinkState; 6] = [
    LinkState::Live,
    LinkState::Expired,
    LinkState::Revoked,
    LinkState::Redacted,
    LinkState::Spent,
    LinkState::Gone,
];

/// What is asked of each part.
#[derive(Clone, Copy)]
struct Page<'a> {
    criteria: &'a Criteria,
    before: Option<i64>,
    limit: i64,
    now: i64,
}

impl Page<'_> {
    /// The condition of ended links, as the index says it that finds them.
    fn ended(&self) -> &'static str {
        match self.criteria.event_id {
            Some(_) => " AND l.state <> 'live'",
            None => " AND NOT l.state = 'live'",
        }
    }
}

/// One page of a bridge's links (of all bridges: `None`), newest first; `before`: the row that the
/// page before ended with.
pub async fn list(
    reader: &Reader,
    bridge: Option<&str>,
    criteria: &Criteria,
    before: Option<i64>,
    limit: i64,
    now: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let page = Page {
        criteria,
        before,
        limit,
        now,
    };
    let mut query = QueryBuilder::new(SELECT);
    query.push("WHERE l.id IN (");
    let order = match criteria.finder() {
        Finder::RoomOrSender => {
            push_found(&mut query, page, bridge, "");
            " ORDER BY l.id DESC LIMIT "
        }
        Finder::Apart => {
            push_found(&mut query, page, bridge, " AND l.state = 'live'");
            query.push(" UNION ALL ");
            push_found(&mut query, page, bridge, page.ended());
            " ORDER BY l.id DESC LIMIT "
        }
        Finder::Time => {
            let bridges = match bridge {
                Some(bridge) => vec![bridge.to_owned()],
                None => bridges(&mut reader.acquire().await?).await?,
            };
            for (n, bridge) in bridges.iter().enumerate() {
                query.push(if n > 0 { " UNION ALL " } else { "" });
                push_bridge(&mut query, page, bridge);
            }
            if bridges.is_empty() {
                return Ok(Vec::new());
            }
            BY_TIME
        }
    };
    query.push(")").push(order).push_bind(limit);
    query.build_query_opened().fetch_all(reader).await
}

/// How many links each bridge has that are recorded as live; one whose time has just ended may be among them.
pub async fn count_by_bridge(reader: &Reader) -> Result<Vec<(String, i64)>, StorageError> {
    query_as(
        "SELECT bridge, COUNT(*) FROM links WHERE state = 'live' GROUP BY bridge ORDER BY bridge",
    )
    .fetch_all(reader)
    .await
}

const BY_TIME: &str = " ORDER BY l.issued_at DESC, l.id DESC LIMIT ";

/// The bridges that have links.
pub(super) async fn bridges(connection: &mut Connection) -> Result<Vec<String>, StorageError> {
    let mut bridges: Vec<String> = Vec::new();
    loop {
        let last = bridges.last().map_or("", String::as_str);
        let next: Option<String> = query_scalar(
            "SELECT MIN(next) FROM (SELECT MIN(bridge) AS next FROM links WHERE state = 'live' AND bridge > $1 \
             UNION ALL SELECT MIN(bridge) FROM links WHERE state <> 'live' AND bridge > $1) AS part",
        )
            .bind(last)
            .fetch_one(&mut *connection)
            .await?;
        match next {
            Some(next) => bridges.push(next),
            None => return Ok(bridges),
        }
    }
}

/// One part, found by what is asked.
fn push_found(query: &mut QueryBuilder, page: Page<'_>, bridge: Option<&str>, only: &'static str) {
    query.push("SELECT id FROM (SELECT l.id FROM links l WHERE 1 = 1");
    push_criteria(query, bridge, page.criteria);
    push_time(query, page.criteria);
    push_state(query, page.criteria.state, page.now);
    query.push(only);
    if let Some(before) = page.before {
        query.push(" AND l.id < ").push_bind(before);
    }
    query
        .push(" ORDER BY l.id DESC LIMIT ")
        .push_bind(page.limit)
        .push(") AS part");
}

/// The parts of one bridge: its states, those with a time that is known and those without.
fn push_bridge(query: &mut QueryBuilder, page: Page<'_>, bridge: &str) {
    let asked = page.criteria.state;
    let states = STATES.into_iter();
    // A link whose time is over, or whose event is in doubt, may be recorded as a live one: it is found
    // among those that wait for that to be noted.
    let of_work = matches!(asked, Some(LinkState::Expired | LinkState::Redacted));
    let mut is_first = true;
    for state in states.filter(|state| asked.is_none_or(|asked| asked == *state)) {
        for is_known in [true, false] {
            if !is_known && page.criteria.issued_before.is_none() {
                continue;
            }
            query.push(if is_first { "" } else { " UNION ALL " });
            is_first = false;
            query.push("SELECT id FROM (SELECT l.id FROM links l WHERE ");
            if state == LinkState::Live {
                query.push("l.state = 'live'");
            } else {
                query.push("l.state <> 'live' AND l.state = ");
                query.push_bind(state.as_str());
            }
            push_criteria(query, Some(bridge), page.criteria);
            push_part_of_time(query, page.criteria, is_known);
            if asked == Some(LinkState::Live) {
                push_state(query, asked, page.now);
            }
            push_before(query, page.before);
            query.push(BY_TIME).push_bind(page.limit).push(") AS part");
        }
    }
    if of_work {
        query.push(if asked == Some(LinkState::Expired) {
            " UNION ALL SELECT l.id FROM links l WHERE l.state = 'live' AND l.expires_at IS NOT NULL AND l.expires_at <= "
        } else {
            " UNION ALL SELECT l.id FROM links l WHERE l.is_doubted = 1 AND l.state || '' = 'live' AND COALESCE(l.expires_at > "
        });
        query
            .push_bind(page.now)
            .push(if asked == Some(LinkState::Expired) {
                ""
            } else {
                ", TRUE)"
            });
        // Not by the index of bridges, which holds more.
        query
            .push(" AND l.bridge || '' = ")
            .push_bind(bridge.to_owned());
        push_time(query, page.criteria);
        push_before(query, page.before);
    }
}

fn push_before(query: &mut QueryBuilder, before: Option<i64>) {
    if let Some(before) = before {
        // The row may have gone meanwhile: then the one before it.
        query
            .push(
                " AND (l.issued_at, l.id) < ((SELECT b.issued_at FROM links b WHERE b.id = \
                 (SELECT MAX(c.id) FROM links c WHERE c.id <= ",
            )
            .push_bind(before)
            .push(")), ")
            .push_bind(before)
            .push(")");
    }
}
