//! Open questions are asked again, room by room, each less and less often.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::Settings,
    homeserver::{Homeserver, HomeserverError},
    links::{Decision, Effect, Links},
    storage::{
        Database, StorageError,
        leases::{self, Lease},
        open_questions::{OpenQuestion, Question, QuestionedRoom},
    },
};
use medialink_link::matrix::{EventId, RoomId};

use super::room_questions::{Original, RoomQuestions};

/// How long the questions of one room may take each time.
const ROOM_WITHIN: Duration = Duration::from_secs(10);
/// How many rooms are asked at once.
const ROOMS_AT_ONCE: usize = 8;
/// How many rooms are taken from the database at once.
const PAGE: i64 = 64;
/// How long to wait after the first failure, and at most. It doubles with each failure.
const WAIT_MS: (i64, i64) = (10_000, 60 * 60 * 1000);
/// How long a question is asked, and how often at least; then it is decided for the safe side.
const GIVE_UP_AFTER: (i64, i64) = (7 * 24 * 60 * 60 * 1000, 12);
/// How long to sleep if nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// Asks open questions until they are decided.
#[derive(Debug, Clone)]
pub struct Asker {
    links: Links,
    homeserver: Arc<Homeserver>,
    config: Settings,
    clock: Clock,
    lease: Lease,
    news: Arc<Notify>,
}

impl Asker {
    /// Asks for the bridges of a configuration.
    #[must_use]
    pub fn new(
        links: Links,
        database: &Database,
        homeserver: Arc<Homeserver>,
        config: Settings,
        clock: Clock,
    ) -> Self {
        Self {
            lease: Lease::new(database, &clock, "questions"),
            links,
            homeserver,
            config,
            clock,
            news: Arc::default(),
        }
    }

    /// There may be questions that are due.
    pub(super) fn wake(&self) {
        self.news.notify_one();
    }

    /// Asks whatever is due, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let work = async {
                match self.ask_alone().await {
                    Ok(Some(true)) => {}
                    Ok(Some(false)) => return self.clock.now_ms() + WAIT_MS.0,
                    Ok(None) => return self.clock.now_ms() + millis(leases::LOOK_AGAIN),
                    Err(error) => {
                        tracing::error!(%error, "answers to open questions could not be noted");
                        return self.clock.now_ms() + millis(IDLE);
                    }
                }
                let latest = self.clock.now_ms() + millis(IDLE);
                match self.links.next_questioned().await {
                    Ok(next) => next.unwrap_or(latest).min(latest),
                    Err(_) => latest,
                }
            };
            let wake_at = tokio::select! {
                () = stop.cancelled() => return,
                wake_at = work => wake_at,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
                () = self.clock.sleep_until(wake_at) => {}
            }
        }
    }

    /// Asks the rooms whose time has come, if there are any; `None`: another replica does.
    async fn ask_alone(&self) -> Result<Option<bool>, StorageError> {
        if self.links.questioned_rooms(1).await?.is_empty() {
            return Ok(Some(true));
        }
        self.lease.during(self.ask_due()).await?.transpose()
    }

    /// Asks the rooms whose time has come, once; `false`: the homeserver is away.
    async fn ask_due(&self) -> Result<bool, StorageError> {
        // Each room that was asked is due later, or has no question left.
        let rooms = self.links.questioned_rooms(PAGE).await?;
        let asked: Vec<_> = stream::iter(rooms)
            .map(|room| self.ask_room(room))
            .buffer_unordered(ROOMS_AT_ONCE)
            .collect()
            .await;
        let asked: Result<Vec<bool>, StorageError> = asked.into_iter().collect();
        Ok(!asked?.contains(&false))
    }

    /// Asks one room; `false`: the homeserver is away.
    async fn ask_room(&self, mut room: QuestionedRoom) -> Result<bool, StorageError> {
        let open = self.links.open_questions(&room.room_id).await?;
        let now = self.clock.now_ms();
        let Ok(room_id) = RoomId::parse(&room.room_id) else {
            return Err(StorageError::Corrupt("room ID"));
        };
        let (give_up_after_ms, attempts) = GIVE_UP_AFTER;
        let is_sure = self.clock.is_sure();
        let (old, open): (Vec<_>, Vec<_>) = open.into_iter().partition(|open| {
            is_sure && room.attempts >= attempts && now - open.noted_at >= give_up_after_ms
        });
        let mut decisions: Vec<_> = old.into_iter().map(|q| safe(&room_id, q)).collect();
        if !decisions.is_empty() {
            let (room_id, questions) = (&room.room_id, decisions.len());
            tracing::warn!(
                room_id,
                questions,
                "what events mean was never told; they are taken to end all links that they may mean"
            );
        }
        let (first, most) = WAIT_MS;
        let doublings = u32::try_from(room.attempts).unwrap_or(0).min(16);
        let mut wait = (first << doublings).min(most);
        let given_up = decisions.len();
        let outcome = self.decisions(&room, &room_id, open, &mut decisions).await;
        let is_away = matches!(&outcome, Err(error) if error.is_unreachable());
        if is_away {
            // The room is not to blame.
            wait = first;
        } else if decisions.len() > given_up {
            // It answers, and there may be more to ask than it has time for at once.
            (room.attempts, wait) = (0, first);
        } else {
            room.attempts += 1;
        }
        match outcome {
            Ok(()) => tracing::info!(
                room_id = room.room_id,
                "the homeserver has told what events mean"
            ),
            Err(error) => tracing::warn!(
                bridge = room.bridge, room_id = room.room_id, %error, wait_ms = wait,
                "the homeserver does not tell what an event means; it is asked again"
            ),
        }
        let next_ask_at = self.clock.now_ms() + wait;
        self.links.settle(room, decisions, next_ask_at).await?;
        Ok(!is_away)
    }

    /// Asks a room until a question is not answered.
    async fn decisions(
        &self,
        room: &QuestionedRoom,
        room_id: &RoomId,
        open: Vec<OpenQuestion>,
        decisions: &mut Vec<Decision>,
    ) -> Result<(), HomeserverError> {
        let bridge = self
            .config
            .bridge(&room.bridge)
            .ok_or(HomeserverError::InvalidResponse(
                "no bridge is left to ask as",
            ))?;
        let deadline = Instant::now() + ROOM_WITHIN;
        let mut questions = RoomQuestions::new(&self.homeserver, bridge, room_id);
        let mut edits = Vec::<(EventId, Vec<OpenQuestion>)>::new();
        for open in open.into_iter().filter(|open| open.bridge == room.bridge) {
            match &open.question {
                Question::Edit { event_id, .. } => {
                    match edits.iter_mut().find(|(known, _)| known == event_id) {
                        Some((_, same)) => same.push(open),
                        None => edits.push((event_id.clone(), vec![open])),
                    }
                }
                Question::Redaction {
                    top_level,
                    in_content,
                } => {
                    let asked = questions.redacted(top_level.as_ref(), in_content.as_ref());
                    let redacted = timeout_at(deadline, asked)
                        .await
                        .unwrap_or(Err(HomeserverError::Slow))?;
                    decisions.push(Decision {
                        effects: redactions(room_id, redacted),
                        question: open,
                    });
                }
            }
        }
        for (event_id, edits) in edits {
            let original = timeout_at(deadline, questions.original(&event_id))
                .await
                .unwrap_or(Err(HomeserverError::Slow))?;
            decisions.extend(edited(room_id, &original, edits));
        }
        Ok(())
    }
}

/// The decisions about the edits of one event: of several by its sender, the last one tells what it
/// has now.
fn edited(
    room_id: &RoomId,
    original: &Option<Original>,
    edits: Vec<OpenQuestion>,
) -> Vec<Decision> {
    let effect = |open: &OpenQuestion| match (&open.question, original) {
        (
            Question::Edit {
                event_id,
                sender,
                media,
            },
            Some(original),
        ) if original.is_by(sender) => Some(Effect::Edited {
            room_id: room_id.clone(),
            event_id: event_id.clone(),
            media: media.clone(),
            before: original.media.clone(),
        }),
        _ => None,
    };
    let mut is_last = true;
    let decided = edits.into_iter().rev().map(|question| {
        let effects: Vec<_> = effect(&question).filter(|_| is_last).into_iter().collect();
        is_last &= effects.is_empty();
        Decision { question, effects }
    });
    decided.collect()
}

fn redactions(room_id: &RoomId, events: Vec<EventId>) -> Vec<Effect> {
    let redacted = |event_id| Effect::Redacted {
        room_id: room_id.clone(),
        event_id,
    };
    events.into_iter().map(redacted).collect()
}

/// The decision for the safe side: an event ends all links that it may mean.
fn safe(room_id: &RoomId, open: OpenQuestion) -> Decision {
    let effects = match &open.question {
        Question::Redaction { .. } => {
            redactions(room_id, open.question.events().cloned().collect())
        }
        Question::Edit {
            event_id, media, ..
        } => vec![Effect::Edited {
            room_id: room_id.clone(),
            event_id: event_id.clone(),
            media: media.clone(),
            before: Default::default(),
        }],
    };
    Decision {
        question: open,
        effects,
    }
}
