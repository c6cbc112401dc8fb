//! Rows for every table of a version, by statements that fit the tables of that time.

use std::{
    ops::RangeInclusive,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::is_postgres;

/// An event that was redacted before the update.
pub const REDACTED: &str = "$redacted";

/// What the rows are about. A medium is its mxc URI and its content token.
pub struct Past<'a> {
    pub version: i64,
    pub room: &'a str,
    /// A link whose media is counted.
    pub live: &'a Value,
    /// One that was revoked.
    pub dead: &'a Value,
    /// A medium that waits to be gathered.
    pub pending: &'a (String, String),
    /// A medium whose meta event waits to be sent.
    pub queued: &'a (String, String),
}

/// Statements with the versions whose tables they fit. {name} is replaced; rows are numbered from 1 in their order.
/// Usages: 1 counted, 2 released, 3 pending, 4 queued. Meta events: 1 sent, 2 waiting, 3 redacted.
const ROWS: [(RangeInclusive<i64>, &str); 32] = [
    (
        1..=21,
        "INSERT INTO media_references (bridge, room_id, mxc, content_token, state, pending_at, counted_by, queued_in) VALUES \
         ('irc', '{room}', '{live_mxc}', '{live_token}', 'counted', NULL, 1, NULL), \
         ('irc', '{room}', '{dead_mxc}', '{dead_token}', 'released', NULL, NULL, NULL), \
         ('irc', '{room}', '{pending_mxc}', '{pending_token}', 'pending', {now}, NULL, NULL), \
         ('irc', '{room}', '{queued_mxc}', '{queued_token}', 'pending', {now}, NULL, 2)",
    ),
    (
        1..=21,
        "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room_id, event_id, sender, mxc, content_token, \
         filename, issued_at, state, ended_at) VALUES \
         ('{live_id}', 'short', 1, 'irc', 1, '{room}', '$live', '@bob:example.org', '{live_mxc}', '{live_token}', 'a cat.png', \
         {live_issued}, 'live', NULL), \
         ('{dead_id}', 'short', 1, 'irc', 2, '{room}', '$dead', '', '{dead_mxc}', '{dead_token}', NULL, {dead_issued}, 'revoked', {now}), \
         ('pastpend', 'short', 1, 'irc', 3, '{room}', '$pending', '', '{pending_mxc}', '{pending_token}', NULL, {issued}, 'live', NULL), \
         ('pastqueu', 'short', 1, 'irc', 4, '{room}', '$queued', '', '{queued_mxc}', '{queued_token}', NULL, {issued}, 'live', NULL)",
    ),
    (
        22..=i64::MAX,
        "INSERT INTO matrix_ids (matrix_id) VALUES ('{room}'), ('@bob:example.org')",
    ),
    (
        22..=i64::MAX,
        "INSERT INTO media_references (bridge, room, mxc, content_token, state, pending_at, counted_by, queued_in) VALUES \
         ('irc', 1, '{live_mxc}', '{live_token}', 'counted', NULL, 1, NULL), \
         ('irc', 1, '{dead_mxc}', '{dead_token}', 'released', NULL, NULL, NULL), \
         ('irc', 1, '{pending_mxc}', '{pending_token}', 'pending', {now}, NULL, NULL), \
         ('irc', 1, '{queued_mxc}', '{queued_token}', 'pending', {now}, NULL, 2)",
    ),
    (
        22..=i64::MAX,
        "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, event_id, sender, filename, issued_at, \
         state, ended_at) VALUES \
         ('{live_id}', 'short', 1, 'irc', 1, 1, '$live', 2, 'a cat.png', {live_issued}, 'live', NULL), \
         ('{dead_id}', 'short', 1, 'irc', 2, 1, '$dead', NULL, NULL, {dead_issued}, 'revoked', {now}), \
         ('pastpend', 'short', 1, 'irc', 3, 1, '$pending', NULL, NULL, {issued}, 'live', NULL), \
         ('pastqueu', 'short', 1, 'irc', 4, 1, '$queued', NULL, NULL, {issued}, 'live', NULL)",
    ),
    (
        1..=32,
        "INSERT INTO meta_events (bridge, room_id, state, event_type, content, batch, txn_id, device_id, event_id, \
         redact_txn_id, next_attempt_at, created_at) VALUES \
         ('irc', '{room}', 'sent', '{type}', '', 'past-sent', 'past-sent', '', '{live_event}', NULL, NULL, {issued}), \
         ('irc', '{room}', 'waiting', '{type}', '{body}', 'past-{version}', 'past-{version}', '', NULL, NULL, {now}, {issued}), \
         ('irc', '{room}', 'redacted', '{type}', '', 'past-dead', 'past-dead', '', '$gone', 'past-redacted', NULL, {issued})",
    ),
    (
        33..=i64::MAX,
        "INSERT INTO meta_events (bridge, room_id, state, event_type, batch, txn_id, device_id, event_id, \
         redact_txn_id, next_attempt_at, created_at) VALUES \
         ('irc', '{room}', 'sent', '{type}', 'past-sent', 'past-sent', '', '{live_event}', NULL, NULL, {issued}), \
         ('irc', '{room}', 'waiting', '{type}', 'past-{version}', 'past-{version}', '', NULL, NULL, {now}, {issued}), \
         ('irc', '{room}', 'redacted', '{type}', 'past-dead', 'past-dead', '', '$gone', 'past-redacted', NULL, {issued}); \
         INSERT INTO meta_event_bodies (id, batch, content) VALUES (2, 'past-{version}', '{body}')",
    ),
    // Since then, a meta event names its usages only until it is sent, and only with copies.
    (
        1..=21,
        "INSERT INTO meta_event_members (meta_event_id, media_reference_id) VALUES (1, 1), (2, 4), (3, 2)",
    ),
    (22..=i64::MAX, "UPDATE meta_events SET named = 1"),
    (
        2..=i64::MAX,
        "INSERT INTO appservice_transactions (bridge, txn_id, received_at) VALUES ('irc', 'past', {now})",
    ),
    (
        2..=i64::MAX,
        "INSERT INTO redacted_events (event_hash, redacted_at) VALUES ({redacted_hash}, {now})",
    ),
    (
        2..=i64::MAX,
        "INSERT INTO revocations (bridge, room_id, revoked_at) VALUES ('irc', '!other:example.org', {now})",
    ),
    (
        3..=i64::MAX,
        "INSERT INTO touches (mxc, next_touch_at) VALUES ('{live_mxc}', {later})",
    ),
    (
        4..=i64::MAX,
        "INSERT INTO secrets (name, value) VALUES ('past', {bytes})",
    ),
    (
        6..=i64::MAX,
        "INSERT INTO room_successors (bridge, room_id, successor, moved_at) \
         VALUES ('irc', '!older:example.org', '!other:example.org', {now})",
    ),
    (
        6..=i64::MAX,
        "INSERT INTO cache_purges (media_reference_id, purge_at) VALUES (2, {now})",
    ),
    (
        7..=i64::MAX,
        "INSERT INTO room_policies (room_id, bridge, known_at) VALUES ('!other:example.org', 'irc', {now})",
    ),
    (
        8..=i64::MAX,
        "INSERT INTO homeserver_features (name, learnt_at) VALUES ('org.example.past', {now})",
    ),
    (
        8..=i64::MAX,
        "INSERT INTO compared_rooms (bridge, room_id, compared_at) VALUES ('irc', '{room}', {now})",
    ),
    (
        9..=i64::MAX,
        "INSERT INTO dropped_media (media_hash, dropped_at) VALUES ({bytes}, {now})",
    ),
    (
        12..=i64::MAX,
        "INSERT INTO seen_media (bridge, mxc, room_id, event_id, shown_by, content_token, seen_at) \
         VALUES ('irc', '{live_mxc}', '{room}', '$live', '$live', '{live_token}', {now})",
    ),
    (
        13..=i64::MAX,
        "INSERT INTO resting_rooms (bridge, room_id, failures, rests_until) VALUES ('irc', '!other:example.org', 2, {later})",
    ),
    (
        14..=i64::MAX,
        "INSERT INTO open_questions (bridge, room_id, kind, event_id, noted_at) \
         VALUES ('irc', '!other:example.org', 'redaction', '$other', {now})",
    ),
    (
        14..=i64::MAX,
        "INSERT INTO questioned_rooms (bridge, room_id, next_ask_at) VALUES ('irc', '!other:example.org', {later})",
    ),
    (
        15..=i64::MAX,
        "INSERT INTO missing_media (bridge, mxc, content_token, copy_mxc, missing_since, ask_at) \
         VALUES ('irc', 'mxc://example.org/missing', 'a-token', '', {now}, {later})",
    ),
    (
        16..=i64::MAX,
        "INSERT INTO link_keys (key_id, fingerprint, seen_at, ended) VALUES (200, {bytes}, {issued}, 'retired')",
    ),
    (
        16..=i64::MAX,
        "INSERT INTO readiness (id, proved_at) VALUES (1, {issued})",
    ),
    (
        17..=i64::MAX,
        "INSERT INTO own_uploads (mxc, bridge, next_attempt_at) VALUES ('mxc://example.org/own', 'irc', {later})",
    ),
    (
        19..=i64::MAX,
        "INSERT INTO leases (name, holder, until) VALUES ('past', 'past', 1)",
    ),
    (
        24..=i64::MAX,
        "INSERT INTO purge_log (names) VALUES ({bytes}); \
         INSERT INTO purge_cursors (cache, holder, position, seen_at) VALUES ('past', 'past', 0, {now}); \
         INSERT INTO front_purges (media_reference_id, ended_since, next_attempt_at) VALUES (2, {now}, {now})",
    ),
    (
        25..=i64::MAX,
        "INSERT INTO endings (state, bridge, room_id, up_to, looked_up_to, ended, decided_at, finished_at) \
         VALUES ('revoked', 'irc', '!other:example.org', 4, 4, 0, {now}, {now}); \
         INSERT INTO tombstones (first, ended) VALUES (0, {tombstone})",
    ),
    (
        26..=i64::MAX,
        "INSERT INTO budgets (digest, free_at, changed_at) VALUES ('past', 1, 1)",
    ),
];

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {of}"))
}

/// Bytes as a statement writes them.
fn bytes(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if is_postgres() {
        format!("'\\x{hex}'")
    } else {
        format!("x'{hex}'")
    }
}

impl Past<'_> {
    /// All statements that fit the version.
    pub fn rows(&self) -> String {
        let fitting = ROWS
            .iter()
            .filter(|(versions, _)| versions.contains(&self.version));
        let mut rows: String = fitting.map(|(_, rows)| format!("{rows};\n")).collect();
        for (name, value) in self.names() {
            rows = rows.replace(&format!("{{{name}}}"), &value);
        }
        rows
    }

    fn names(&self) -> Vec<(&'static str, String)> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let now = i64::try_from(since.as_millis()).expect("a time");
        let redacted = [self.room.as_bytes(), &[0], REDACTED.as_bytes()].concat();
        vec![
            ("version", self.version.to_string()),
            ("room", self.room.to_owned()),
            ("type", "org.matrix.msc3910.media_reference".to_owned()),
            ("body", self.body().replace('\'', "''")),
            ("now", now.to_string()),
            ("issued", (now - 60_000).to_string()),
            ("later", (now + 3_600_000).to_string()),
            ("live_id", text(self.live, "link_id").to_owned()),
            ("live_mxc", text(self.live, "mxc").to_owned()),
            ("live_token", text(self.live, "token").to_owned()),
            (
                "live_event",
                text(&self.live["usage"], "event_id").to_owned(),
            ),
            ("live_issued", self.live["issued_ts"].to_string()),
            ("dead_issued", self.dead["issued_ts"].to_string()),
            ("dead_id", text(self.dead, "link_id").to_owned()),
            ("dead_mxc", text(self.dead, "mxc").to_owned()),
            ("dead_token", text(self.dead, "token").to_owned()),
            ("pending_mxc", self.pending.0.clone()),
            ("pending_token", self.pending.1.clone()),
            ("queued_mxc", self.queued.0.clone()),
            ("queued_token", self.queued.1.clone()),
            ("redacted_hash", bytes(&Sha256::digest(redacted)[..16])),
            ("bytes", bytes(b"sixteen bytes :)")),
            ("tombstone", bytes(&[1; 13])),
        ]
    }

    /// The body of the meta event that waits.
    fn body(&self) -> String {
        let (mxc, token) = self.queued;
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(mxc));
        json!({
            "content_token": {&hash: token}, "batch": format!("past-{}", self.version),
            "references": [{"hash": &hash, "event_id": "$queued", "network": "Libera.Chat", "links": 1, "expires_ts": null}],
        })
        .to_string()
    }
}
