//! Whether a room is encrypted.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;

use crate::{config::BridgeConfig, homeserver::Homeserver};
use medialink_link::matrix::RoomId;

/// The state event that makes a room encrypted (Client-Server API, "End-to-End Encryption").
const ENCRYPTION: &str = "m.room.encryption";
/// For how long a room is known to be encrypted, which it will stay.
const ENCRYPTED_FOR: Duration = Duration::from_secs(3600);
/// For how long one is believed not to be, which anybody with the power to may change.
const PLAIN_FOR: Duration = Duration::from_secs(5);
/// How many rooms are known, of each kind.
const MOST_ROOMS: u64 = 10_000;
/// How long the homeserver may take to answer.
const ASK_WITHIN: Duration = Duration::from_secs(5);

/// Asks rooms whether they are encrypted, and caches the answers.
pub(super) struct Encryption {
    homeserver: Arc<Homeserver>,
    encrypted: Cache<RoomId, ()>,
    plain: Cache<RoomId, ()>,
}

impl Encryption {
    pub(super) fn new(homeserver: Arc<Homeserver>) -> Self {
        let rooms = |known_for| {
            Cache::builder()
                .max_capacity(MOST_ROOMS)
                .time_to_live(known_for)
                .build()
        };
        Self {
            homeserver,
            encrypted: rooms(ENCRYPTED_FOR),
            plain: rooms(PLAIN_FOR),
        }
    }

    /// Whether a text of this room has to be encrypted: the room is, or may be.
    pub(super) async fn is_needed(&self, bridge: &BridgeConfig, room_id: &RoomId) -> bool {
        if self.encrypted.contains_key(room_id) {
            return true;
        }
        if self.plain.contains_key(room_id) {
            return false;
        }
        let state = self
            .homeserver
            .room_state(bridge, room_id.as_str(), ENCRYPTION);
        match tokio::time::timeout(ASK_WITHIN, state).await {
            Ok(Ok(None)) => {
                self.plain.insert(room_id.clone(), ()).await;
                false
            }
            // Once it is there, whatever it says (it may have been redacted).
            Ok(Ok(Some(_))) => {
                self.encrypted.insert(room_id.clone(), ()).await;
                true
            }
            Ok(Err(error)) => {
                tracing::info!(bridge = bridge.id, %room_id, %error, "it is not known whether a room is encrypted: its paste is");
                true
            }
            Err(_) => {
                tracing::info!(bridge = bridge.id, %room_id, "the homeserver did not tell in time whether a room is encrypted: its paste is");
                true
            }
        }
    }
}
