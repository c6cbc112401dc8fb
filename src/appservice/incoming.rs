//! Acting on transactions: questions to the homeserver first, then one commit.

use std::sync::Arc;

use futures_util::join;

use crate::{
    config::{BridgeConfig, CheckEvent},
    homeserver::Homeserver,
    links::{Effect, Links},
    storage::{StorageError, history::TransactionStatus, room_successors::Succession},
};

use medialink_link::matrix::{RoomId, UserId};

use super::{
    answers::Answers,
    asker::Asker,
    invites,
    occurrence::{Membership, Occurrence},
    transaction::Transaction,
};

/// Acts on the transactions of the homeserver.
#[derive(Debug, Clone)]
pub struct Incoming {
    links: Links,
    homeserver: Arc<Homeserver>,
    check_event: CheckEvent,
    asker: Asker,
}

/// What follows from a transaction, as far as nobody is asked.
#[derive(Debug)]
pub struct Plan {
    certain: Vec<Effect>,
    open: Vec<Occurrence>,
    /// Rooms, and who invites.
    invites: Vec<(RoomId, UserId)>,
    digest: [u8; 32],
}

impl Plan {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certain.is_empty() && self.open.is_empty() && self.invites.is_empty()
    }
}

/// The effect of an occurrence, as far as nobody is asked.
enum Decision {
    Certain(Effect),
    /// The homeserver has to be asked.
    Open(Occurrence),
    Nothing,
}

impl Incoming {
    /// Acts on these links; `check_event`: how redactions and edits are noticed; `asker`: asks what
    /// could not be decided.
    #[must_use]
    pub fn new(
        links: Links,
        homeserver: Arc<Homeserver>,
        check_event: CheckEvent,
        asker: Asker,
    ) -> Self {
        Self {
            links,
            homeserver,
            check_event,
            asker,
        }
    }

    /// Asks the questions that transactions have left open.
    #[must_use]
    pub fn asker(&self) -> &Asker {
        &self.asker
    }

    /// How far a transaction has come.
    pub async fn status(
        &self,
        bridge: &BridgeConfig,
        txn_id: &str,
        transaction: &Transaction,
    ) -> Result<TransactionStatus, StorageError> {
        let digest = &transaction.digest;
        self.links
            .transaction_status(&bridge.id, txn_id, digest)
            .await
    }

    /// What follows from a transaction, as far as nobody is asked.
    #[must_use]
    pub fn plan(&self, bridge: &BridgeConfig, transaction: Transaction) -> Plan {
        let mut plan = Plan {
            certain: Vec::new(),
            open: Vec::new(),
            invites: Vec::new(),
            digest: transaction.digest,
        };
        for occurrence in transaction.occurrences {
            match self.decided(bridge, occurrence) {
                Decision::Certain(effect) => plan.certain.push(effect),
                Decision::Open(Occurrence::Membership {
                    room_id, sender, ..
                }) => plan.invites.push((room_id, sender)),
                Decision::Open(occurrence) => plan.open.push(occurrence),
                Decision::Nothing => {}
            }
        }
        plan
    }

    /// Acts on a transaction that was not seen before. It is durable when this returns. Certain
    /// effects are acted on before the homeserver is asked about the rest; questions that it does not
    /// answer at once are noted, and asked later.
    ///
    /// # Errors
    /// If the database fails: then it is to be repeated.
    pub async fn act(
        &self,
        bridge: &Arc<BridgeConfig>,
        txn_id: &str,
        plan: Plan,
    ) -> Result<(), StorageError> {
        let Plan {
            mut certain,
            open,
            invites,
            digest,
        } = plan;
        let is_news = !certain.is_empty() || !open.is_empty();
        if !open.is_empty() || !invites.is_empty() {
            let certain = std::mem::take(&mut certain);
            self.links.take_certain(&bridge.id, certain).await?;
        }
        let answers = Answers {
            links: &self.links,
            homeserver: &self.homeserver,
            bridge,
        };
        let (answered, ()) = join!(
            answers.effects(open),
            invites::accept(&self.homeserver, bridge, invites)
        );
        certain.extend(answered?);
        self.links
            .take_transaction(&bridge.id, txn_id, digest, certain)
            .await?;
        if is_news {
            self.asker.wake();
        }
        Ok(())
    }

    fn decided(&self, bridge: &BridgeConfig, occurrence: Occurrence) -> Decision {
        let pushes = self.check_event == CheckEvent::Push;
        let certain = match occurrence {
            Occurrence::Redaction { .. } | Occurrence::Edit { .. } if !pushes => {
                return Decision::Nothing;
            }
            Occurrence::Redaction {
                room_id,
                redacts_top_level: Some(event_id),
                redacts_in_content: Some(other),
            } if event_id == other => Effect::Redacted { room_id, event_id },
            Occurrence::Membership { ref user_id, .. } if *user_id != bridge.user_id.as_str() => {
                return Decision::Nothing;
            }
            Occurrence::Membership {
                room_id,
                membership: Membership::Join,
                ..
            } => Effect::Joined { room_id },
            Occurrence::Membership {
                room_id,
                membership: Membership::Out,
                ..
            } => Effect::Left { room_id },
            Occurrence::Tombstone { room_id, successor } => Effect::Succeeded(Succession {
                bridge: bridge.id.clone(),
                room_id: room_id.into(),
                successor: successor.into(),
            }),
            // Media of an edit is noted in its turn: the edits before it take media away.
            Occurrence::Shown(shown) if shown.event_id == shown.shown_by => Effect::Shown(shown),
            Occurrence::Policy {
                room_id,
                event_id,
                content,
            } => Effect::Policy {
                room_id,
                event_id,
                content,
            },
            open => return Decision::Open(open),
        };
        Decision::Certain(certain)
    }

    /// Notes that the bridge behind us has taken a transaction with this digest.
    pub fn note_handed_on(&self, bridge: &BridgeConfig, txn_id: &str, digest: [u8; 32]) {
        self.links.note_handed_on(&bridge.id, txn_id, digest);
    }
}
