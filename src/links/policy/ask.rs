//! Asks rooms for their policies.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    config::BridgeConfig,
    storage::{
        Connection, Lock, StorageError,
        room_policies::{self, KnownPolicy, WaitingRoom},
    },
};
use medialink_link::matrix::RoomId;

use super::{
    super::{recorder::Recorder, service::Links},
    content::POLICY_EVENT_TYPE,
};

/// How old the known policy of a room may be at an issue, in milliseconds.
const KNOWN_FOR_MS: i64 = 60 * 60 * 1000;
/// How long an issue waits for rooms, all of a batch together.
const ASK_WITHIN: Duration = Duration::from_secs(3);
/// How many rooms are asked at once.
const AT_ONCE: usize = 8;
/// How many rooms that have not answered are read from the database at once, and how often in a row.
const PAGE: (i64, usize) = (100, 10);
/// How long to wait after the first failure of a room, and at most, in milliseconds. It doubles.
const WAIT_MS: (i64, i64) = (30_000, 24 * 60 * 60 * 1000);
/// After so many failures in a row, an issue does not ask before the next time is due.
const ISSUES_WAIT_AFTER: i64 = 2;
/// After so many failures in a row, a room is asked only if something happens there: the last ones
/// were days apart.
const LAST_ATTEMPT: i64 = 16;

/// The answer of a room that was asked for its policy.
#[derive(Clone)]
enum Answer {
    /// The ID of its policy event, if that is known, and the content: empty without an event.
    Policy(Option<String>, Value),
    /// The bridge's user may not know.
    Refused,
    /// There was no answer.
    Unanswered,
}

/// A question that was asked.
#[derive(Clone)]
struct Asked {
    /// The revision of the policy that was known before.
    revision: i64,
    /// Whether an issue has asked.
    is_issue: bool,
    answer: Answer,
}

impl Links {
    /// Asks the rooms whose policy is not known, or not freshly. One that does not answer is asked
    /// again later.
    pub(crate) async fn learn_policies(
        &self,
        bridge: &BridgeConfig,
        rooms: impl IntoIterator<Item = &RoomId>,
    ) -> Result<(), StorageError> {
        let now = self.now();
        let deadline = Instant::now() + ASK_WITHIN;
        let mut unknown = Vec::new();
        let rooms: BTreeSet<&str> = rooms.into_iter().map(RoomId::as_str).collect();
        let mut found = self.policies.find(&rooms).await?;
        for room_id in rooms {
            let known = found.remove(room_id).unwrap_or_default();
            let is_fresh = known.known_at.is_some_and(|at| now - at < KNOWN_FOR_MS);
            let is_silent = known.attempts >= ISSUES_WAIT_AFTER && known.waits_for(&bridge.id, now);
            if (known.must_ask || !is_fresh) && !is_silent {
                unknown.push((room_id, known));
            }
        }
        stream::iter(unknown)
            .map(Ok)
            .try_for_each_concurrent(AT_ONCE, |(room_id, known)| async move {
                let answer = self.ask(bridge, room_id, deadline).await;
                // It is planned already.
                if answer.is_none() && known.must_ask && known.waits_for(&bridge.id, now) {
                    return Ok(());
                }
                let asked = Asked {
                    revision: known.revision,
                    is_issue: true,
                    answer: answer.unwrap_or(Answer::Unanswered),
                };
                self.note_answer(&bridge.id, room_id, asked).await
            })
            .await
    }

    /// Whether there are rooms that have not answered, and whose time has come.
    pub async fn has_unanswered(&self) -> Result<bool, StorageError> {
        let waiting = room_policies::waiting(self.database.reader(), self.now(), 1).await?;
        Ok(!waiting.is_empty())
    }

    /// Asks the rooms again that have not answered, and whose time has come.
    pub async fn ask_unanswered(&self) -> Result<(), StorageError> {
        let (limit, pages) = PAGE;
        for _ in 0..pages {
            let reader = self.database.reader();
            let page = room_policies::waiting(reader, self.now(), limit).await?;
            let is_empty = page.is_empty();
            let asked: Vec<_> = stream::iter(page)
                .map(|room| async move { self.ask_again(&room).await })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            let asked: Result<Vec<bool>, StorageError> = asked.into_iter().collect();
            // While the homeserver is away, no room is to blame.
            if is_empty || asked?.contains(&false) {
                break;
            }
        }
        Ok(())
    }

    /// Asks one room again; `false`: the homeserver is away.
    async fn ask_again(&self, room: &WaitingRoom) -> Result<bool, StorageError> {
        let deadline = Instant::now() + ASK_WITHIN;
        let answer = match self.recorder.config.bridge(&room.bridge) {
            Some(bridge) => self.ask(bridge, &room.room_id, deadline).await,
            // A bridge that is configured no more can ask nobody.
            None => Some(Answer::Unanswered),
        };
        let Some(answer) = answer else {
            return Ok(false);
        };
        let asked = Asked {
            revision: room.revision,
            is_issue: false,
            answer,
        };
        self.note_answer(&room.bridge, &room.room_id, asked).await?;
        Ok(true)
    }

    /// Asks one room; `None`: the homeserver is away.
    async fn ask(&self, bridge: &BridgeConfig, room_id: &str, deadline: Instant) -> Option<Answer> {
        let asked = self
            .homeserver
            .room_state_event(bridge, room_id, POLICY_EVENT_TYPE);
        let asked = self.homeserver.optional(asked);
        Some(match tokio::time::timeout_at(deadline, asked).await {
            Ok(Ok(Some((event_id, content)))) => Answer::Policy(event_id, content),
            Ok(Ok(None)) => Answer::Policy(None, json!({})),
            Ok(Err(error)) if error.status() == 403 => Answer::Refused,
            Ok(Err(error)) => {
                tracing::warn!(bridge = bridge.id, room_id, %error, "a room could not be asked for its link policy");
                if error.is_unreachable() {
                    return None;
                }
                Answer::Unanswered
            }
            Err(_) => {
                self.homeserver.look();
                tracing::warn!(
                    bridge = bridge.id,
                    room_id,
                    "a room did not answer in time what its link policy is"
                );
                Answer::Unanswered
            }
        })
    }

    async fn note_answer(
        &self,
        bridge: &str,
        room_id: &str,
        asked: Asked,
    ) -> Result<(), StorageError> {
        let (recorder, bridge, room_id) =
            (self.recorder.clone(), bridge.to_owned(), room_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    connection.lock(&[Lock::Room(&room_id)]).await?;
                    recorder
                        .note_answer(connection, &bridge, &room_id, asked)
                        .await
                }
                .boxed()
            })
            .await
    }
}

impl Recorder {
    /// Notes the answer of a room, unless something newer was noted since it was asked.
    async fn note_answer(
        &self,
        connection: &mut Connection,
        bridge: &str,
        room_id: &str,
        asked: Asked,
    ) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let known = room_policies::find_in(connection, room_id).await?;
        let known = known.unwrap_or_default();
        let is_current = known.revision == asked.revision;
        match asked.answer {
            Answer::Policy(event_id, content) if is_current => {
                let event_id = event_id.as_deref();
                self.note_policy(connection, bridge, room_id, event_id, &content)
                    .await
            }
            // A user who may not know refutes nothing that another one knew.
            Answer::Refused if is_current && known.known_at.is_some() => {
                room_policies::confirm(connection, room_id, now).await
            }
            // Nor does such a user ask in the place of one who may.
            Answer::Refused if known.must_ask && known.bridge != bridge => Ok(()),
            Answer::Refused | Answer::Unanswered if known.known_at.is_none() || is_current => {
                let (attempts, next_ask_at) = next_attempt(&known, bridge, asked.is_issue, now);
                room_policies::note_unanswered(connection, room_id, bridge, attempts, next_ask_at)
                    .await
            }
            _ => Ok(()),
        }
    }
}

/// How often a room has failed now, and when it is asked next.
fn next_attempt(known: &KnownPolicy, bridge: &str, is_issue: bool, now: i64) -> (i64, Option<i64>) {
    if known.waits_for(bridge, now) {
        return (known.attempts, known.next_ask_at);
    }
    let failed = if known.bridge == bridge {
        known.attempts
    } else {
        0
    };
    let attempts = (failed + 1).min(LAST_ATTEMPT);
    if failed >= LAST_ATTEMPT && !is_issue {
        return (attempts, None);
    }
    let (first, most) = WAIT_MS;
    let doublings = u32::try_from(attempts - 1).unwrap_or(0);
    (attempts, Some(now + (first << doublings).min(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_room_is_asked_less_and_less_often_and_then_no_more() {
        let (mut known, mut now) = (KnownPolicy::default(), 0);
        let (mut waits, bridge) = (Vec::new(), "irc");
        known.bridge = bridge.to_owned();
        while let (attempts, Some(next)) = next_attempt(&known, bridge, false, now) {
            waits.push((next - now) / 1000);
            (known.attempts, known.next_ask_at) = (attempts, Some(next));
            // Asked by an issue meanwhile, the plan stays.
            let meanwhile = next_attempt(&known, bridge, true, next - 1);
            assert_eq!(meanwhile, (attempts, Some(next)));
            now = next;
        }
        assert_eq!(waits[..4], [30, 60, 120, 240]);
        assert_eq!(waits[12..], [86_400; 4]);
        known.next_ask_at = None;
        let by_issue = next_attempt(&known, bridge, true, now);
        assert_eq!(by_issue, (LAST_ATTEMPT, Some(now + 86_400_000)));
        let of_other = next_attempt(&known, "xmpp", false, now);
        assert_eq!(of_other, (1, Some(now + 30_000)));
    }
}
