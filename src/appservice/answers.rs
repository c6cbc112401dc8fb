//! The effects of occurrences about which the homeserver has to be asked, while a transaction waits:
//! briefly, each room for itself. A room that does not answer in time gets open questions.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::{
    config::BridgeConfig,
    homeserver::{Homeserver, HomeserverError},
    links::{Effect, Links},
    storage::{StorageError, open_questions::Question},
};
use medialink_event::media_of;
use medialink_link::matrix::{EventId, RoomId, UserId};

use super::{
    occurrence::{EventContent, Occurrence},
    room_questions::RoomQuestions,
};

/// How long all questions about a transaction may take together.
const ASK_WITHIN: Duration = Duration::from_secs(2);
/// How many rooms are asked at once.
const ROOMS_AT_ONCE: usize = 8;

/// Asks about the occurrences of one transaction.
#[derive(Clone, Copy)]
pub(super) struct Answers<'a> {
    pub(super) links: &'a Links,
    pub(super) homeserver: &'a Arc<Homeserver>,
    pub(super) bridge: &'a BridgeConfig,
}

impl Answers<'_> {
    /// The effects of occurrences. Those of one room are in their order.
    pub(super) async fn effects(self, open: Vec<Occurrence>) -> Result<Vec<Effect>, StorageError> {
        let mut rooms = Vec::<(RoomId, Vec<Occurrence>)>::new();
        for occurrence in open {
            let room_id = occurrence.room_id();
            match rooms.iter_mut().find(|(known, _)| known == room_id) {
                Some((_, occurrences)) => occurrences.push(occurrence),
                None => rooms.push((room_id.clone(), vec![occurrence])),
            }
        }
        let deadline = Instant::now() + ASK_WITHIN;
        let effects: Vec<_> = stream::iter(rooms)
            .map(|(room_id, occurrences)| async move {
                let is_silent = self
                    .links
                    .is_room_open(&self.bridge.id, room_id.as_str())
                    .await?;
                let room = Room {
                    answers: self,
                    questions: RoomQuestions::new(self.homeserver, self.bridge, &room_id),
                    room_id: &room_id,
                    deadline,
                    is_silent,
                    open_edits: BTreeSet::new(),
                    effects: Vec::new(),
                };
                room.effects(occurrences).await
            })
            .buffered(ROOMS_AT_ONCE)
            .collect()
            .await;
        let effects: Result<Vec<_>, StorageError> = effects.into_iter().collect();
        Ok(effects?.into_iter().flatten().collect())
    }
}

/// One room of a transaction.
struct Room<'a> {
    answers: Answers<'a>,
    questions: RoomQuestions<'a>,
    room_id: &'a RoomId,
    deadline: Instant,
    /// Whether it has not answered before: then it is not asked now.
    is_silent: bool,
    /// Events with edits in this transaction that are not checked.
    open_edits: BTreeSet<EventId>,
    effects: Vec<Effect>,
}

impl Room<'_> {
    async fn effects(mut self, occurrences: Vec<Occurrence>) -> Result<Vec<Effect>, StorageError> {
        for occurrence in occurrences {
            match occurrence {
                Occurrence::Redaction {
                    redacts_top_level,
                    redacts_in_content,
                    ..
                } => self.redaction(redacts_top_level, redacts_in_content).await,
                Occurrence::Edit {
                    event_id,
                    sender,
                    new_content,
                    ..
                } => self.edit(event_id, sender, new_content).await?,
                Occurrence::Shown(shown) => self.effects.push(Effect::Shown(shown)),
                Occurrence::Membership { .. }
                | Occurrence::Tombstone { .. }
                | Occurrence::Policy { .. } => {}
            }
        }
        Ok(self.effects)
    }

    async fn redaction(&mut self, top_level: Option<EventId>, in_content: Option<EventId>) {
        let answer = if self.is_silent && !self.questions.knows_place() {
            None
        } else {
            let asked = self
                .questions
                .redacted(top_level.as_ref(), in_content.as_ref());
            let asked = timeout_at(self.deadline, asked).await;
            Some(asked.unwrap_or(Err(HomeserverError::Slow)))
        };
        if let Some(redacted) = self.answered(answer) {
            let room_id = self.room_id;
            let effects = redacted.into_iter().map(|event_id| Effect::Redacted {
                room_id: room_id.clone(),
                event_id,
            });
            self.effects.extend(effects);
            return;
        }
        self.unsure(Question::Redaction {
            top_level,
            in_content,
        });
    }

    async fn edit(
        &mut self,
        event_id: EventId,
        sender: UserId,
        new_content: EventContent,
    ) -> Result<(), StorageError> {
        let (room_id, links) = (self.room_id, self.answers.links);
        let media = media_of(&new_content.0);
        // Edits of one event take effect in their order.
        let is_behind = self.open_edits.contains(&event_id)
            || links
                .is_edit_open(room_id.as_str(), event_id.as_str())
                .await?;
        if !is_behind && !links.is_changed_by_edit(room_id, &event_id, &media).await? {
            return Ok(());
        }
        let answer = if is_behind || self.is_silent {
            None
        } else {
            let asked = timeout_at(self.deadline, self.questions.original(&event_id)).await;
            Some(asked.unwrap_or(Err(HomeserverError::Slow)))
        };
        if let Some(original) = self.answered(answer) {
            let original = original.filter(|original| original.is_by(&sender));
            self.effects.extend(original.map(|original| Effect::Edited {
                room_id: room_id.clone(),
                event_id,
                media,
                before: original.media,
            }));
            return Ok(());
        }
        self.open_edits.insert(event_id.clone());
        self.unsure(Question::Edit {
            event_id,
            sender,
            media,
        });
        Ok(())
    }

    /// The answer, if there is one. After a failure, the room is not asked any more.
    fn answered<T>(&mut self, answer: Option<Result<T, HomeserverError>>) -> Option<T> {
        match answer? {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.is_silent = true;
                if error == HomeserverError::Slow {
                    self.answers.homeserver.look();
                }
                tracing::warn!(
                    bridge = self.answers.bridge.id,
                    room_id = self.room_id.as_str(),
                    %error,
                    "the homeserver does not tell what an event means; it is asked again"
                );
                None
            }
        }
    }

    fn unsure(&mut self, question: Question) {
        self.effects.push(Effect::Unsure {
            room_id: self.room_id.clone(),
            question,
        });
    }
}
