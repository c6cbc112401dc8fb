//! The devices as which meta events are sent: with one, the homeserver remembers transaction IDs
//! across its restarts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    clock::Clock,
    config::BridgeConfig,
    homeserver::{Device, Homeserver},
};

use crate::usage::retry::wait_ms;

use super::context::Context;

/// The device ID of each bridge's user.
const DEVICE_ID: &str = "MEDIALINK";

/// The device of each bridge's user, made when it is first needed. Clones share what is known.
#[derive(Debug, Clone)]
pub(super) struct Devices {
    homeserver: Arc<Homeserver>,
    clock: Clock,
    by_bridge: Arc<Mutex<HashMap<String, DeviceState>>>,
}

#[derive(Debug, Clone)]
enum DeviceState {
    Ready(Device),
    /// It could not be made, `failures` times in a row.
    Failed {
        failures: i64,
        next_attempt_at: i64,
    },
}

impl Devices {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            homeserver: Arc::clone(&context.homeserver),
            clock: context.clock.clone(),
            by_bridge: Arc::default(),
        }
    }

    fn states(&self) -> MutexGuard<'_, HashMap<String, DeviceState>> {
        self.by_bridge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, bridge: &BridgeConfig, state: DeviceState) {
        self.states().insert(bridge.id.clone(), state);
    }

    /// The device of a bridge's user, made if it is not there; `None`: the homeserver does not
    /// answer now.
    pub(super) async fn get(&self, bridge: &BridgeConfig) -> Option<Device> {
        let state = self.states().get(&bridge.id).cloned();
        let failures = match state {
            Some(DeviceState::Ready(device)) => return Some(device),
            Some(DeviceState::Failed {
                next_attempt_at, ..
            }) if self.clock.now_ms() < next_attempt_at => return None,
            Some(DeviceState::Failed { failures, .. }) => failures,
            None => 0,
        };
        let device = match self.homeserver.ensure_device(bridge, DEVICE_ID).await {
            Ok(()) => Device(DEVICE_ID.to_owned()),
            Err(error) if matches!(error.status(), 400 | 404 | 405) => {
                tracing::warn!(bridge = bridge.id, %error, "the homeserver has no devices for appservices: \
                    an event whose answer was lost may be sent twice if the homeserver restarts meanwhile");
                Device(String::new())
            }
            Err(error) => {
                tracing::warn!(bridge = bridge.id, %error, "no device could be made to send meta events with");
                let failures = failures + 1;
                let next_attempt_at = self.clock.now_ms() + wait_ms(&error, failures);
                let state = DeviceState::Failed {
                    failures,
                    next_attempt_at,
                };
                self.set(bridge, state);
                return None;
            }
        };
        self.set(bridge, DeviceState::Ready(device.clone()));
        Some(device)
    }

    /// Has the homeserver asked for the device again before the next send.
    pub(super) fn check_again(&self, bridge: &str) {
        let mut states = self.states();
        if matches!(states.get(bridge), Some(DeviceState::Ready(_))) {
            states.remove(bridge);
        }
    }

    /// When the device of a bridge may be asked for that could not be made.
    pub(super) fn next_attempt_at(&self, bridge: &str) -> Option<i64> {
        match self.states().get(bridge) {
            Some(DeviceState::Failed {
                next_attempt_at, ..
            }) => Some(*next_attempt_at),
            _ => None,
        }
    }
}
