//! Invites of the bridge's user.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};

use crate::{config::BridgeConfig, homeserver::Homeserver};
use medialink_link::matrix::{RoomId, UserId};

use crate::glob;

/// How long a join may take.
const JOIN_WITHIN: Duration = Duration::from_secs(10);
/// How long the homeserver waits for joins before its transaction is answered. They go on after it.
const WAIT_FOR_JOINS: Duration = Duration::from_secs(2);
/// How many rooms of one transaction are joined at once.
const JOINS_AT_ONCE: usize = 8;

/// Accepts the invites of those whose invites the bridge's user accepts.
pub(super) async fn accept(
    homeserver: &Arc<Homeserver>,
    bridge: &Arc<BridgeConfig>,
    mut invites: Vec<(RoomId, UserId)>,
) {
    let patterns = &bridge.accept_invites;
    invites.retain(|(_, sender)| {
        patterns
            .iter()
            .any(|pattern| glob::matches(pattern, sender.as_str()))
    });
    if invites.is_empty() {
        return;
    }
    let (homeserver, bridge) = (Arc::clone(homeserver), Arc::clone(bridge));
    let joins = async move {
        let (homeserver, bridge) = (&homeserver, &bridge);
        let joins = stream::iter(invites).for_each_concurrent(JOINS_AT_ONCE, |(room_id, _)| {
            join(homeserver, bridge, room_id)
        });
        joins.await;
    };
    // In a task of its own, which goes on when the transaction is answered.
    drop(tokio::time::timeout(WAIT_FOR_JOINS, tokio::spawn(joins)).await);
}

async fn join(homeserver: &Homeserver, bridge: &BridgeConfig, room_id: RoomId) {
    let room_id = room_id.as_str();
    match tokio::time::timeout(JOIN_WITHIN, homeserver.join(bridge, room_id)).await {
        Ok(Ok(())) => tracing::info!(bridge = bridge.id, room_id, "invite accepted"),
        Ok(Err(error)) => {
            tracing::warn!(bridge = bridge.id, room_id, %error, "an invite could not be accepted");
        }
        Err(_) => tracing::warn!(
            bridge = bridge.id,
            room_id,
            "an invite could not be accepted in time"
        ),
    }
}
