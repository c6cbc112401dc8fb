//! `links`: how links are made, and when they end.

use std::time::Duration;

use serde::Deserialize;

use medialink_link::LinkForm;

use super::{
    problems::Problems,
    value::{Lifetime, Span},
};

/// The shortest time between two rotations: the IDs of keys last for five years.
const ROTATED_EVERY: Duration = Duration::from_hours(7 * 24);

/// How links are made.
#[derive(Debug, Clone)]
pub struct LinksConfig {
    /// The form of a link whose issue does not name one.
    pub form: LinkForm,
    /// The lifetime of a link whose issue does not name one.
    pub lifetime: Lifetime,
    /// The longest lifetime that may be asked for.
    pub max_lifetime: Lifetime,
    /// How redactions are noticed.
    pub check_event: CheckEvent,
    /// Whether a room's links end when the bridge's user leaves it.
    pub on_leave: OnLeave,
    /// Whether the given event must reference the media.
    pub provenance: Provenance,
    /// How long redactions are remembered for links not seen yet.
    pub remember: Duration,
    /// After what time a new key signs.
    pub rotate_every: Lifetime,
}

/// Whether a room's links end when the bridge's user leaves it, or is banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLeave {
    /// They stay.
    Keep,
    /// They are revoked.
    Revoke,
}

/// How redactions are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckEvent {
    /// The homeserver pushes them in appservice transactions.
    Push,
    /// The event is looked at whenever a link is followed.
    Follow,
    /// Not at all.
    Off,
}

/// Whether the given event must reference the media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// The bridge is believed.
    Off,
    /// The event is looked up on the homeserver.
    Check,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LinksFile {
    form: FormFile,
    lifetime: Lifetime,
    max_lifetime: Lifetime,
    check_event: CheckEventFile,
    provenance: ProvenanceFile,
    on_leave: OnLeave,
    remember: Span,
    rotate_every: Lifetime,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormFile {
    Short,
    SelfContained,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CheckEventFile {
    Push,
    Follow,
    Off,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ProvenanceFile {
    Off,
    Check,
}

impl Default for LinksFile {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            form: FormFile::Short,
            lifetime: Lifetime::For(days(14)),
            max_lifetime: Lifetime::Never,
            check_event: CheckEventFile::Push,
            provenance: ProvenanceFile::Off,
            on_leave: OnLeave::Keep,
            remember: Span(days(400)),
            rotate_every: Lifetime::Never,
        }
    }
}

impl LinksFile {
    pub(super) fn checked(self, problems: &mut Problems) -> Option<LinksConfig> {
        for (name, lifetime) in [
            ("lifetime", self.lifetime),
            ("max_lifetime", self.max_lifetime),
        ] {
            if let Lifetime::For(span) = lifetime
                && (span < Duration::from_secs(1) || span.as_secs() > u64::from(u32::MAX))
            {
                problems.add(
                    format_args!("links.{name}"),
                    format_args!(
                        "found {}; allowed are 1s to {}s, or never",
                        humantime::format_duration(span),
                        u32::MAX
                    ),
                );
            }
        }
        check_rotation(self.rotate_every, problems);
        match (self.lifetime, self.max_lifetime) {
            (Lifetime::Never, Lifetime::For(_)) => problems.add(
                "links.lifetime",
                "found never, which is longer than links.max_lifetime",
            ),
            (Lifetime::For(lifetime), Lifetime::For(max)) if lifetime > max => {
                problems.add("links.lifetime", "is longer than links.max_lifetime");
            }
            _ => {}
        }
        Some(LinksConfig {
            form: match self.form {
                FormFile::Short => LinkForm::Short,
                FormFile::SelfContained => LinkForm::SelfContained,
            },
            lifetime: self.lifetime,
            max_lifetime: self.max_lifetime,
            on_leave: self.on_leave,
            check_event: match self.check_event {
                CheckEventFile::Push => CheckEvent::Push,
                CheckEventFile::Follow => CheckEvent::Follow,
                CheckEventFile::Off => CheckEvent::Off,
            },
            provenance: match self.provenance {
                ProvenanceFile::Off => Provenance::Off,
                ProvenanceFile::Check => Provenance::Check,
            },
            remember: self.remember.0,
            rotate_every: self.rotate_every,
        })
    }
}

/// No ID of a key is used twice, and there are 256.
fn check_rotation(rotate_every: Lifetime, problems: &mut Problems) {
    if let Lifetime::For(every) = rotate_every
        && every < ROTATED_EVERY
    {
        problems.add(
            "links.rotate_every",
            format_args!(
                "found {}; allowed are {} and more, or never: no ID of a key is used twice, and there are 256",
                humantime::format_duration(every),
                humantime::format_duration(ROTATED_EVERY)
            ),
        );
    }
}
