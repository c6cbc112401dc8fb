//! The service from the outside: over HTTP, against embedded and made-up homeservers. Nothing has
//! to be installed; tests beside programs of others are in `tests/peers`.
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside the service: with clients, dice and clocks of their own"
)]

mod appservice;
mod attached_pastes;
mod away;
mod backup;
mod bridge_api;
mod cache;
mod commands;
mod early_end;
mod encrypted_media;
mod endings;
mod erasure;
mod events;
mod events_reported;
mod faults;
mod follow_rules;
mod following;
mod forward;
mod gauges;
mod gone;
mod guards;
mod hostile_homeserver;
mod hostile_images;
mod hostile_readers;
mod isolation;
mod issue_and_follow;
mod key_file;
mod kill_rounds;
mod killed;
mod legacy;
mod legacy_sight;
mod legacy_unsigned;
mod lifecycle;
mod limits;
mod link_previews;
mod linked_media;
mod lookups;
mod made_thumbnails;
mod media_answers;
mod metrics_listener;
mod model;
mod moving;
mod object_store;
mod open_questions;
mod openapi;
mod outages;
mod pastes;
mod policy;
mod purged_in_front;
mod readiness;
mod reconcile;
mod repeated_secrets;
mod replicas;
mod reports;
mod retention;
mod rooms_and_edits;
mod rotated_keys;
mod schemas;
mod sealed;
mod secrets;
mod service_manager;
mod signals;
mod soundness;
mod stalled_readers;
mod streaming;
mod system_clock;
mod thumbnails;
mod unfinished_requests;
mod upgrades;
mod usage;
mod wiped;
mod woken;
