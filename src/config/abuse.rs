//! `abuse`: what readers can do about media that should not be there, and who learns of it.

use medialink_link::matrix::RoomId;
use serde::Deserialize;

use super::{
    bridge::BridgeConfig,
    deny::{Denial, DenyFile},
    explain::shown_text,
    problems::Problems,
};

/// How reports are taken.
#[derive(Debug, Clone)]
pub struct AbuseConfig {
    /// Whether readers can report a link.
    pub reports: bool,
    /// The room in which the operator is told of reports.
    pub room: Option<RoomId>,
    /// The bridge whose user tells.
    pub bridge: String,
    /// Whom and what gets no link or no service.
    pub deny: Vec<Denial>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AbuseFile {
    reports: bool,
    room: Option<String>,
    bridge: Option<String>,
    deny: DenyFile,
}

impl Default for AbuseFile {
    fn default() -> Self {
        Self {
            reports: true,
            room: None,
            bridge: None,
            deny: DenyFile::default(),
        }
    }
}

impl AbuseFile {
    pub(super) fn checked(self, bridges: &[BridgeConfig], problems: &mut Problems) -> AbuseConfig {
        let room = self.room.and_then(|text| match RoomId::parse(&text) {
            Ok(room) => Some(room),
            Err(error) => {
                problems.add(
                    "abuse.room",
                    format_args!(
                        "found {}, {error}; allowed is the ID of a room",
                        shown_text(&text)
                    ),
                );
                None
            }
        });
        let first = || bridges.first().map(|bridge| bridge.id.clone());
        let bridge = self.bridge.or_else(first).unwrap_or_default();
        if !bridges.is_empty() && bridges.iter().all(|known| known.id != bridge) {
            let known: Vec<&str> = bridges.iter().map(|known| known.id.as_str()).collect();
            problems.add(
                "abuse.bridge",
                format_args!(
                    "found {}; there are {}",
                    shown_text(&bridge),
                    known.join(", ")
                ),
            );
        }
        AbuseConfig {
            reports: self.reports,
            room,
            bridge,
            deny: self.deny.checked(problems),
        }
    }
}
