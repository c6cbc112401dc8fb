//! Questions about pushed events that the homeserver has not answered yet: noted in the commit of
//! their transaction, and decided later. Until then, the links that they are about are not followed,
//! and their media stays counted.

use futures_util::FutureExt;

use crate::storage::{
    Connection, Lock, StorageError,
    open_questions::{self, MAX_OF_ROOM, OpenQuestion, Question, QuestionedRoom},
};
use medialink_link::matrix::RoomId;

use super::{effect::Effect, recorder::Recorder, service::Links};

/// A question with what follows from its answer.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The question.
    pub question: OpenQuestion,
    /// What follows.
    pub effects: Vec<Effect>,
}

impl Links {
    /// Whether a room has open questions of a bridge: then it is not asked while a transaction waits.
    pub async fn is_room_open(&self, bridge: &str, room_id: &str) -> Result<bool, StorageError> {
        open_questions::is_room_open(self.database.reader(), bridge, room_id).await
    }

    /// Whether an edit of this event waits to be checked: later ones wait behind it.
    pub async fn is_edit_open(&self, room_id: &str, event_id: &str) -> Result<bool, StorageError> {
        open_questions::is_edit_open(self.database.reader(), room_id, event_id).await
    }

    /// Up to `limit` rooms that are to be asked by now.
    pub async fn questioned_rooms(&self, limit: i64) -> Result<Vec<QuestionedRoom>, StorageError> {
        open_questions::due(self.database.reader(), self.now(), limit).await
    }

    /// When the next room is to be asked, in milliseconds since the epoch.
    pub async fn next_questioned(&self) -> Result<Option<i64>, StorageError> {
        open_questions::next_due(self.database.reader()).await
    }

    /// The open questions of a room, oldest first.
    pub async fn open_questions(&self, room_id: &str) -> Result<Vec<OpenQuestion>, StorageError> {
        open_questions::of_room(self.database.reader(), room_id).await
    }

    /// Acts on the decisions about questions of a room, and on each once. A room with questions left is
    /// asked again at `next_ask_at`.
    pub async fn settle(
        &self,
        room: QuestionedRoom,
        decisions: Vec<Decision>,
        next_ask_at: i64,
    ) -> Result<(), StorageError> {
        let (recorder, now) = (self.recorder.clone(), self.now());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    connection.lock(&[Lock::Room(&room.room_id)]).await?;
                    recorder
                        .settle(connection, &room.room_id, decisions, now)
                        .await?;
                    open_questions::forget_answered(connection, &room.room_id).await?;
                    open_questions::postpone(connection, &room, next_ask_at).await
                }
                .boxed()
            })
            .await
    }
}

impl Recorder {
    async fn settle(
        &self,
        connection: &mut Connection,
        room_id: &str,
        decisions: Vec<Decision>,
        now: i64,
    ) -> Result<(), StorageError> {
        if decisions.is_empty() {
            return Ok(());
        }
        for Decision { question, effects } in decisions {
            if open_questions::delete(connection, question.id).await? {
                self.apply(connection, &question.bridge, effects, now)
                    .await?;
            }
        }
        let media = open_questions::refresh(connection, room_id).await?;
        self.update_legacy(connection, &media, now).await
    }

    /// Notes a question. In a room with too many of them, it is decided for the safe side.
    pub(super) async fn note_question(
        &self,
        connection: &mut Connection,
        bridge: &str,
        room_id: &RoomId,
        question: Question,
        now: i64,
    ) -> Result<(), StorageError> {
        let room = room_id.as_str();
        if open_questions::note(connection, bridge, room, &question, now).await? {
            let media = open_questions::mark(connection, bridge, room, &question).await?;
            return self.update_legacy(connection, &media, now).await;
        }
        tracing::warn!(
            bridge,
            room_id = room,
            "a room has {MAX_OF_ROOM} open questions; a further event is taken to end all links that it may mean"
        );
        match question {
            Question::Redaction { .. } => {
                let events = question.events();
                let events = events.map(|event_id| (room.to_owned(), event_id.to_string()));
                let events: Vec<_> = events.collect();
                self.redacted(connection, bridge, &events, now).await
            }
            Question::Edit {
                event_id, media, ..
            } => {
                let event = (room, event_id.as_str());
                self.edited(
                    connection,
                    bridge,
                    event,
                    (&media, &Default::default()),
                    now,
                )
                .await
            }
        }
    }
}
