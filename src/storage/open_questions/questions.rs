//! The questions themselves.

use std::collections::BTreeSet;

use sqlx::{Row, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use super::{super::StorageError, rooms};
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
    connection: &mut SqliteConnection,
    bridge: &str,
    room_id: &str,
    question: &Question,
    now: i64,
) -> Result<bool, StorageError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM open_questions WHERE room_id = $1")
        .bind(room_id)
        .fetch_one(&mut *connection)
        .await?;
    if count >= MAX_OF_ROOM {
        return Ok(false);
    }
    let [kind, event_id, other_event_id, sender, media] = columns(question);
    let is_known: i64 = sqlx::query_scalar(
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
    if is_known != 0 {
        return Ok(true);
    }
    sqlx::query(
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
    reader: impl SqliteExecutor<'e>,
    room_id: &str,
) -> Result<Vec<OpenQuestion>, StorageError> {
    let rows = sqlx::query("SELECT * FROM open_questions WHERE room_id = $1 ORDER BY id")
        .bind(room_id)
        .fetch_all(reader)
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<OpenQuestion, StorageError> {
    let event_id = |column: &str| match row.try_get::<&str, _>(column)? {
        "" => Ok(None),
        text => EventId::parse(text)
            .map(Some)
            .map_err(|_| StorageError::Corrupt("event ID")),
    };
    let question = match row.try_get("kind")? {
        "edit" => Question::Edit {
            event_id: event_id("event_id")?.ok_or(StorageError::Corrupt("event ID"))?,
            sender: UserId::parse(row.try_get("sender")?)
                .map_err(|_| StorageError::Corrupt("user ID"))?,
            media: row
                .try_get::<&str, _>("media")?
                .lines()
                .map(|line| MxcUri::parse(line).map_err(|_| StorageError::Corrupt("mxc URI")))
                .collect::<Result<_, _>>()?,
        },
        "redaction" => Question::Redaction {
            top_level: event_id("event_id")?,
            in_content: event_id("other_event_id")?,
        },
        _ => return Err(StorageError::Corrupt("kind of a question")),
    };
    Ok(OpenQuestion {
        id: row.try_get("id")?,
        bridge: row.try_get("bridge")?,
        question,
        noted_at: row.try_get("noted_at")?,
    })
}

/// Takes a question out; `false`: it was decided before.
pub async fn delete(connection: &mut SqliteConnection, id: i64) -> Result<bool, StorageError> {
    let deleted = sqlx::query("DELETE FROM open_questions WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Whether a room has open questions of this bridge.
pub async fn is_room_open<'e>(
    reader: impl SqliteExecutor<'e>,
    bridge: &str,
    room_id: &str,
) -> Result<bool, StorageError> {
    let found: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM open_questions WHERE room_id = $1 AND bridge = $2)",
    )
    .bind(room_id)
    .bind(bridge)
    .fetch_one(reader)
    .await?;
    Ok(found != 0)
}

/// Whether an edit of this event waits to be checked: later ones wait behind it.
pub async fn is_edit_open<'e>(
    reader: impl SqliteExecutor<'e>,
    room_id: &str,
    event_id: &str,
) -> Result<bool, StorageError> {
    let found: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM open_questions WHERE room_id = $1 AND event_id = $2 AND kind = 'edit')",
    )
    .bind(room_id)
    .bind(event_id)
    .fetch_one(reader)
    .await?;
    Ok(found != 0)
}

/// The open questions about an event.
pub(super) async fn about(
    connection: &mut SqliteConnection,
    room_id: &str,
    event_id: &str,
) -> Result<Vec<OpenQuestion>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM open_questions WHERE room_id = $1 AND (event_id = $2 OR other_event_id = $2)",
    )
    .bind(room_id)
    .bind(event_id)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Whether an event may be redacted, or may have lost a medium by an edit (`None`: edits do not
/// matter).
pub async fn is_doubted(
    connection: &mut SqliteConnection,
    room_id: &str,
    event_id: &str,
    mxc: Option<&MxcUri>,
) -> Result<bool, StorageError> {
    let open = about(connection, room_id, event_id).await?;
    Ok(open.iter().any(|open| match (&open.question, mxc) {
        (Question::Redaction { .. }, _) => true,
        (Question::Edit { media, .. }, Some(mxc)) => !media.contains(mxc),
        (Question::Edit { .. }, None) => false,
    }))
}
