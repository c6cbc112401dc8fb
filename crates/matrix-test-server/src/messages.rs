//! `GET /_matrix/client/v3/rooms/{roomId}/messages`: pages of a room's events.

use actix_web::HttpResponse;
use serde_json::{Value, json};
use wildmatch::WildMatch;

use crate::clock::now_ms;
use crate::errors::MatrixError;
use crate::event::Event;
use crate::query::Query;
use crate::requester::Requester;
use crate::room::Room;
use crate::server::Server;

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 1000;

/// The parts of a `RoomEventFilter` that this server acts on.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Filter {
    limit: Option<usize>,
    types: Option<Vec<String>>,
    not_types: Vec<String>,
    senders: Option<Vec<String>>,
    not_senders: Vec<String>,
}

impl Filter {
    fn parse(text: Option<&str>) -> Result<Self, MatrixError> {
        let parsed = text.map(serde_json::from_str).transpose();
        let bad = |_| MatrixError::bad_json("filter is no RoomEventFilter");
        Ok(parsed.map_err(bad)?.unwrap_or_default())
    }

    /// A `*` in a type stands for anything (Client-Server API, "Filtering").
    fn passes(&self, event: &Event) -> bool {
        let kind = |pattern: &String| WildMatch::new(pattern).matches(&event.kind);
        self.types
            .as_ref()
            .is_none_or(|types| types.iter().any(kind))
            && !self.not_types.iter().any(kind)
            && self
                .senders
                .as_ref()
                .is_none_or(|senders| senders.contains(&event.sender))
            && !self.not_senders.contains(&event.sender)
    }
}

/// A page: the positions of its events, and where the next one begins.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    events: Vec<usize>,
    next: Option<usize>,
}

/// Reads on until `limit` events are found. Tokens are gaps between events: `n` has `n` before it.
fn page_back(from: usize, first: usize, limit: usize, passes: impl Fn(usize) -> bool) -> Page {
    let mut events = Vec::new();
    let mut at = from;
    while at > first && events.len() < limit {
        at -= 1;
        if passes(at) {
            events.push(at);
        }
    }
    let next = (at > first).then_some(at);
    Page { events, next }
}

fn page_forward(from: usize, last: usize, limit: usize, passes: impl Fn(usize) -> bool) -> Page {
    let mut events = Vec::new();
    let mut at = from;
    while at < last && events.len() < limit {
        if passes(at) {
            events.push(at);
        }
        at += 1;
    }
    let next = (at < last).then_some(at);
    Page { events, next }
}

pub(super) fn messages(
    server: &Server,
    who: &Requester,
    room_id: &str,
    query: &Query,
) -> Result<HttpResponse, MatrixError> {
    let filter = Filter::parse(query.get("filter"))?;
    let asked = query
        .number("limit")?
        .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let limit = asked
        .or(filter.limit)
        .unwrap_or(DEFAULT_LIMIT)
        .clamp(1, MAX_LIMIT);
    let backward = match query.get("dir") {
        Some("b") => true,
        Some("f") => false,
        Some(_) => return Err(MatrixError::invalid_param("dir is b or f")),
        None => return Err(MatrixError::missing_param("dir")),
    };
    let (from, to) = (position(query, "from")?, position(query, "to")?);

    let data = server.data();
    let room = data.rooms.get(room_id);
    let visible = room.and_then(|room| Some((room, room.visible_until(&who.user_id)?)));
    let (room, visible) = visible.ok_or_else(|| MatrixError::not_in_room(&who.user_id, room_id))?;
    let from = from
        .unwrap_or(if backward { visible } else { 0 })
        .min(visible);
    let passes = |at: usize| {
        room.events
            .get(at)
            .is_some_and(|event| filter.passes(event))
    };
    let page = if backward {
        page_back(from, to.unwrap_or(0), limit, passes)
    } else {
        page_forward(from, to.unwrap_or(visible).min(visible), limit, passes)
    };
    Ok(HttpResponse::Ok().json(answer(room, who, from, &page)))
}

fn answer(room: &Room, who: &Requester, from: usize, page: &Page) -> Value {
    let now = now_ms();
    let event = |at: &usize| room.client_event(*at, Some(&who.scope), now);
    let chunk: Vec<Value> = page.events.iter().map(event).collect();
    let mut answer = json!({"start": format!("t{from}"), "chunk": chunk});
    if let Some(next) = page.next {
        answer["end"] = format!("t{next}").into();
    }
    answer
}

fn position(query: &Query, name: &str) -> Result<Option<usize>, MatrixError> {
    let parse = |token: &str| token.strip_prefix('t')?.parse().ok();
    query
        .get(name)
        .map(|token| {
            parse(token).ok_or_else(|| MatrixError::invalid_param(format!("{name} is no token")))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_meet_without_gap_or_overlap() {
        let even = |at: usize| at.is_multiple_of(2);
        let first = page_back(7, 0, 2, even);
        assert_eq!(
            first,
            Page {
                events: vec![6, 4],
                next: Some(4)
            }
        );
        let second = page_back(4, 0, 2, even);
        assert_eq!(
            second,
            Page {
                events: vec![2, 0],
                next: None
            }
        );
        let first = page_forward(0, 7, 2, even);
        assert_eq!(
            first,
            Page {
                events: vec![0, 2],
                next: Some(3)
            }
        );
        let second = page_forward(3, 7, 9, even);
        assert_eq!(
            second,
            Page {
                events: vec![4, 6],
                next: None
            }
        );
    }

    #[test]
    fn a_page_outside_of_the_room_is_empty() {
        let all = |_| true;
        assert_eq!(
            page_back(0, 0, 5, all),
            Page {
                events: vec![],
                next: None
            }
        );
        assert_eq!(
            page_back(3, 9, 5, all),
            Page {
                events: vec![],
                next: None
            }
        );
        assert_eq!(
            page_forward(9, 3, 5, all),
            Page {
                events: vec![],
                next: None
            }
        );
    }
}
