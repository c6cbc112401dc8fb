//! The questions themselves.

use std::collections::BTreeSet;

use super::rooms;
use crate::storage::{
    StorageError,
    engine::{Connection, Kind, On, QueryBuilder, Rows, query, query_as, query_scalar},
    history::Shown,
};
use medialink_link::matrix::{EventId, MxcUri, UserId};

/// How many questions of one room are kept open. Further ones are decided at once.
pub const MAX_OF_ROOM: i64 = 1000;

/// A question that only the homeserver can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which event a redaction means: the room's version decides.
    Redaction {
        /// The event that is named at the top level (up to room version 10).
        top_level: Option<EventId>,
        /// The event that is named in the content (since room version 11).
        in_content: Option<EventId>,
    },
    /// Whether an edit is by the sender of the edited event.
    Edit {
        /// The edited event.
        event_id: EventId,
        /// The sender of the edit.
        sender: UserId,
        /// The media that the edited event has, if the edit is valid.
        media: BTreeSet<MxcUri>,
    },
}

impl Question {
    /// The events that it is about.
    pub fn events(&self) -> impl Iterator<Item = &EventId> {
        let events = match self {
            Self::Redaction {
                top_level,
                in_content,
            } => [top_level.as_ref(), in_content.as_ref()],
            Self::Edit { event_id, .. } => [Some(event_id), None],
        };
        events.into_iter().flatten()
    }
}

/// A question that is noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenQuestion {
    /// The row's number: later questions have higher ones.
    pub id: i64,
    /// The bridge that has received the event.
    pub bridge: String,
    /// The question.
    pub question: Question,
    /// When it was noted, in milliseconds since the epoch.
    pub noted_at: i64,
}

/// Notes a question of a room, once; `false`: the room has too many of them.
pub async fn note(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    question: &Question,
    now: i64,
) -> Result<bool, StorageError> {
    let count: i64 = query_scalar("SELECT COUNT(*) FROM open_questions WHERE room_id = $1")
        .bind(room_id)
        .fetch_one(&mut *connection)
        .await?;
    if count >= MAX_OF_ROOM {
        return Ok(false);
    }
    let [kind, event_id, other_event_id, sender, media] = columns(question);
    let is_known: bool = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM open_questions WHERE kind = 'redaction' AND kind = $1 \
         AND bridge = $2 AND room_id = $3 AND event_id = $4 AND other_event_id = $5)",
    )
    .bind(&kind)
    .bind(bridge)
    .bind(room_id)
    .bind(&event_id)
    .bind(&other_event_id)
    .fetch_one(&mut *connection)
    .await?;
    if is_known {
        return Ok(true);
    }
    query(
        "INSERT INTO open_questions (bridge, room_id, kind, event_id, other_event_id, sender, media, noted_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(bridge)
    .bind(room_id)
    .bind(kind)
    .bind(event_id)
    .bind(other_event_id)
    .bind(sender)
    .bind(media)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    rooms::plan(connection, bridge, room_id, now).await?;
    Ok(true)
}

/// A question as its columns hold it: kind, event, other event, sender, media.
fn columns(question: &Question) -> [String; 5] {
    let id = |id: &Option<EventId>| id.as_ref().map_or_else(String::new, EventId::to_string);
    match question {
        Question::Redaction {
            top_level,
            in_content,
        } => [
            "redaction".to_owned(),
            id(top_level),
            id(in_content),
            String::new(),
            String::new(),
        ],
        Question::Edit {
            event_id,
            sender,
            media,
        } => {
            let media: Vec<String> = media.iter().map(MxcUri::to_string).collect();
            [
                "edit".to_owned(),
                event_id.to_string(),
                String::new(),
                sender.to_string(),
                media.join("\n"),
            ]
        }
    }
}

/// The open questions of a room, oldest first, of every bridge.
pub async fn of_room<'e>(
    reader: impl Into<On<'e>>,
    room_id: &str,
) -> Result<Vec<OpenQuestion>, StorageError> {
    let rows: Vec<Row> = query_as("SELECT * FROM open_questions WHERE room_id = $1 ORDER BY id")
        .bind(room_id)
        .fetch_all(reader)
        .await?;
    rows.into_iter().map(read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    bridge: String,
    room_id: String,
    kind: String,
    event_id: String,
    other_event_id: String,
    sender: String,
    media: String,
    noted_at: i64,
}

fn read(row: Row) -> Result<OpenQuestion, StorageError> {
    use StorageError::Corrupt;
    let event_id = |text: &str| match text {
        "" => Ok(None),
        text => EventId::parse(text)
            .map(Some)
            .map_err(|_| Corrupt("event ID")),
    };
    let question = match row.kind.as_str() {
        "edit" => Question::Edit {
            event_id: event_id(&row.event_id)?.ok_or(Corrupt("event ID"))?,
            sender: UserId::parse(&row.sender).map_err(|_| Corrupt("user ID"))?,
            media: row
                .media
                .lines()
                .map(|line| MxcUri::parse(line).map_err(|_| Corrupt("mxc URI")))
                .collect::<Result<_, _>>()?,
        },
        "redaction" => Question::Redaction {
            top_level: event_id(&row.event_id)?,
            in_content: event_id(&row.other_event_id)?,
        },
        _ => return Err(Corrupt("kind of a question")),
    };
    Ok(OpenQuestion {
        id: row.id,
        bridge: row.bridge,
        question,
        noted_at: row.noted_at,
    })
}

/// Takes a question out; `false`: it was decided before.
pub async fn delete(connection: &mut Connection, id: i64) -> Result<bool, StorageError> {
    let deleted = query("DELETE FROM open_questions WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted == 1)
}

/// Whether a room has open questions of this bridge.
pub async fn is_room_open<'e>(
    reader: impl Into<On<'e>>,
    bridge: &str,
    room_id: &str,
) -> Result<bool, StorageError> {
    let found: bool = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM open_questions WHERE room_id = $1 AND bridge = $2)",
    )
    .bind(room_id)
    .bind(bridge)
    .fetch_one(reader)
    .await?;
    Ok(found)
}

/// Whether an edit of this event waits to be checked: later ones wait behind it.
pub async fn is_edit_open<'e>(
    reader: impl Into<On<'e>>,
    room_id: &str,
    event_id: &str,
) -> Result<bool, StorageError> {
    let found: bool = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM open_questions WHERE room_id = $1 AND event_id = $2 AND kind = 'edit')",
    )
    .bind(room_id)
    .bind(event_id)
    .fetch_one(reader)
    .await?;
    Ok(found)
}

/// The open questions about an event.
pub(super) async fn about(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
) -> Result<Vec<OpenQuestion>, StorageError> {
    let rows: Vec<Row> = query_as(
        "SELECT * FROM open_questions WHERE room_id = $1 AND (event_id = $2 OR other_event_id = $2)",
    )
    .bind(room_id)
    .bind(event_id)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(read).collect()
}

/// Whether an event may be redacted, or may have lost a medium by an edit (`None`: edits do not
/// matter).
pub async fn is_doubted(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
    mxc: Option<&MxcUri>,
) -> Result<bool, StorageError> {
    let doubted = are_doubted(connection, &[(room_id, event_id, mxc)]).await?;
    Ok(doubted.contains(&true))
}

/// The same for many events; returns the answer for each.
pub async fn are_doubted(
    connection: &mut Connection,
    events: &[Shown<'_>],
) -> Result<Vec<bool>, StorageError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    // Mostly, nothing is open at all.
    let is_any_open = query_scalar("SELECT EXISTS (SELECT 1 FROM open_questions)");
    if !is_any_open.fetch_one(&mut *connection).await? {
        return Ok(vec![false; events.len()]);
    }
    let mut rows = Rows::new(&[("room_id", Kind::Text), ("event_id", Kind::Text)]);
    let named = events
        .iter()
        .map(|(room_id, event_id, _)| (*room_id, *event_id));
    for (room_id, event_id) in named.collect::<BTreeSet<_>>() {
        rows.push([room_id.into(), event_id.into()]);
    }
    let mut query = QueryBuilder::new("WITH asked AS ");
    query.push_rows(rows).push(
        " SELECT * FROM open_questions WHERE room_id IN (SELECT room_id FROM asked) \
         AND (event_id IN (SELECT event_id FROM asked) OR other_event_id IN (SELECT event_id FROM asked))",
    );
    let open: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    let open: Vec<(String, Question)> = open
        .into_iter()
        .map(|row| Ok((row.room_id.clone(), read(row)?.question)))
        .collect::<Result<_, StorageError>>()?;
    let is_doubted = |(room_id, event_id, mxc): &Shown<'_>| {
        let about = |(room, question): &&(String, Question)| {
            room == room_id && question.events().any(|event| event.as_str() == *event_id)
        };
        let mut about = open.iter().filter(about);
        about.any(|(_, question)| match (question, mxc) {
            (Question::Redaction { .. }, _) => true,
            (Question::Edit { media, .. }, Some(mxc)) => !media.contains(mxc),
            (Question::Edit { .. }, None) => false,
        })
    };
    Ok(events.iter().map(is_doubted).collect())
}
