//! What holds across the tables, each as one statement: so it sees one state of the database, also while a service
//! writes. A statement tells how many rows break the rule, and one of them.

/// Something that holds in every sound database.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its name, for machines.
    pub(super) name: &'static str,
    /// What the rows that break it are, behind their number.
    pub(super) found: &'static str,
    /// What the example is an ID of.
    pub(super) kind: &'static str,
    /// What to do.
    pub(super) todo: &'static str,
    /// Selects their number and the lowest of their IDs.
    pub(super) statement: &'static str,
    /// Whether it takes the time, in milliseconds since the epoch.
    pub(super) takes_time: bool,
}

const fn rule(
    [name, found, kind, todo]: [&'static str; 4],
    statement: &'static str,
    takes_time: bool,
) -> Rule {
    Rule {
        name,
        found,
        kind,
        todo,
        statement,
        takes_time,
    }
}

/// What to do where rows that others refer to are gone.
const RESTORE: &str = "no version of Medialink leaves such rows: something else has changed the database. Restore a backup; \
     without one, delete these rows while no service runs, and have the bridge ask for its links again";
/// What to do where the way of a usage is broken.
const COUNT_AGAIN: &str = "stop the service, have the usage counted again by UPDATE media_references SET state = 'pending', \
     pending_at = 0, counted_by = NULL, queued_in = NULL, copy_mxc = NULL WHERE id is that of the row, and start it";
/// What to do where a row has a word that nobody knows.
const WORD: &str = "this version never writes such a word: restore a backup, or use the `medialink` that has written it";

/// All of them.
pub(super) const RULES: [Rule; 18] = [
    rule(
        [
            "links_have_a_usage",
            "links are part of no usage of media, so they lead nowhere",
            "link",
            RESTORE,
        ],
        "SELECT COUNT(*), MIN(l.link_id) FROM links l LEFT JOIN media_references r ON r.id = l.media_reference_id \
         WHERE r.id IS NULL",
        false,
    ),
    rule(
        [
            "links_agree_with_their_usage",
            "links are of another bridge or room than their usage of media",
            "link",
            RESTORE,
        ],
        "SELECT COUNT(*), MIN(l.link_id) FROM links l JOIN media_references r ON r.id = l.media_reference_id \
         WHERE r.bridge <> l.bridge OR r.room <> l.room",
        false,
    ),
    rule(
        [
            "links_have_a_room",
            "links have a room or a sender that matrix_ids does not hold",
            "link",
            RESTORE,
        ],
        "SELECT COUNT(*), MIN(l.link_id) FROM links l LEFT JOIN matrix_ids r ON r.id = l.room \
         LEFT JOIN matrix_ids s ON s.id = l.sender WHERE r.id IS NULL OR (l.sender IS NOT NULL AND s.id IS NULL)",
        false,
    ),
    rule(
        [
            "usages_have_a_room",
            "usages of media have a room that matrix_ids does not hold",
            "usage",
            RESTORE,
        ],
        "SELECT COUNT(*), CAST(MIN(u.id) AS TEXT) FROM media_references u LEFT JOIN matrix_ids r ON r.id = u.room \
         WHERE r.id IS NULL",
        false,
    ),
    rule(
        [
            "links_have_a_known_key",
            "live links are signed by a key that this database has never seen",
            "link",
            "if the key file holds that key, start the service, which takes note of it; if not, put back the key file that \
             belongs to this database, or revoke the links",
        ],
        "SELECT COUNT(*), MIN(l.link_id) FROM links l WHERE l.state = 'live' AND l.form <> 'legacy' \
         AND NOT EXISTS (SELECT 1 FROM link_keys k WHERE k.key_id = l.key_id)",
        false,
    ),
    rule(
        [
            "no_live_twins",
            "media of one event have several live links to one bridge, where a repeated request should have \
            got the first",
            "link",
            "nothing is lost by it, and both work. Revoke the one that nobody has been given: `medialink links revoke`",
        ],
        "SELECT COUNT(*), MIN(newest) FROM (SELECT MAX(l.link_id) AS newest FROM links l \
         JOIN media_references r ON r.id = l.media_reference_id WHERE l.state = 'live' AND l.form = 'short' \
         AND l.max_follows IS NULL AND (l.expires_at IS NULL OR l.expires_at > $1) \
         GROUP BY l.bridge, l.room, r.mxc, l.event_id HAVING COUNT(*) > 1) AS twins",
        true,
    ),
    rule(
        [
            "states_of_links",
            "links are in a state that there is not",
            "link",
            WORD,
        ],
        "SELECT COUNT(*), MIN(link_id) FROM links \
         WHERE state NOT IN ('live', 'expired', 'revoked', 'redacted', 'gone', 'spent') \
         OR form NOT IN ('short', 'self_contained', 'legacy')",
        false,
    ),
    rule(
        [
            "states_of_usages",
            "usages of media are in a state that there is not",
            "usage",
            WORD,
        ],
        "SELECT COUNT(*), CAST(MIN(id) AS TEXT) FROM media_references \
         WHERE state NOT IN ('disabled', 'pending', 'counted', 'failed', 'released')",
        false,
    ),
    rule(
        [
            "usages_are_one_each",
            "usages stand for the same media in the same room of the same bridge",
            "usage",
            "delete all but the first of them while no service runs, and have its links refer to it",
        ],
        "SELECT COUNT(*), CAST(MIN(r.id) AS TEXT) FROM media_references r WHERE EXISTS (SELECT 1 FROM media_references o \
         WHERE o.mxc = r.mxc AND o.bridge = r.bridge AND o.content_token = r.content_token AND o.room = r.room \
         AND o.id < r.id)",
        false,
    ),
    rule(
        [
            "states_of_meta_events",
            "meta events are in a state that there is not",
            "meta event",
            WORD,
        ],
        "SELECT COUNT(*), CAST(MIN(id) AS TEXT) FROM meta_events \
         WHERE state NOT IN ('waiting', 'sent', 'redacting', 'redacted', 'failed', 'dropped', 'lost')",
        false,
    ),
    rule(
        [
            "live_links_are_not_released",
            "usages of media are released although a link to them lives: the homeserver may \
            delete their media",
            "usage",
            COUNT_AGAIN,
        ],
        "SELECT COUNT(*), CAST(MIN(r.id) AS TEXT) FROM media_references r WHERE r.state = 'released' \
         AND EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live')",
        false,
    ),
    rule(
        [
            "counted_usages_have_an_event",
            "usages of media are noted as counted, and no sent meta event counts them",
            "usage",
            COUNT_AGAIN,
        ],
        "SELECT COUNT(*), CAST(MIN(r.id) AS TEXT) FROM media_references r LEFT JOIN meta_events e ON e.id = r.counted_by \
         WHERE (r.state = 'counted' OR r.counted_by IS NOT NULL) \
         AND (e.id IS NULL OR e.state NOT IN ('sent', 'redacting'))",
        false,
    ),
    rule(
        [
            "queued_usages_have_a_waiting_event",
            "usages of media wait for a meta event that is not going to be sent",
            "usage",
            COUNT_AGAIN,
        ],
        "SELECT COUNT(*), CAST(MIN(r.id) AS TEXT) FROM media_references r LEFT JOIN meta_events e ON e.id = r.queued_in \
         WHERE r.queued_in IS NOT NULL AND (e.id IS NULL OR e.state <> 'waiting')",
        false,
    ),
    rule(
        [
            "pending_usages_are_gathered",
            "usages of media wait to be counted, and nothing will gather them",
            "usage",
            COUNT_AGAIN,
        ],
        "SELECT COUNT(*), CAST(MIN(id) AS TEXT) FROM media_references \
         WHERE state = 'pending' AND queued_in IS NULL AND pending_at IS NULL",
        false,
    ),
    rule(
        [
            "meta_events_can_go_on",
            "meta events lack what their state needs: a time for the next attempt, a body, or an event",
            "meta event",
            "`medialink usage reconcile` compares the ledger with the rooms; have what it does not mend sent or redacted again \
             from a backup",
        ],
        "SELECT COUNT(*), CAST(MIN(id) AS TEXT) FROM meta_events \
         WHERE (state IN ('waiting', 'redacting') AND next_attempt_at IS NULL) OR (state = 'waiting' AND NOT EXISTS (SELECT 1 FROM meta_event_bodies b WHERE b.id = meta_events.id)) \
         OR (state IN ('sent', 'redacting') AND event_id IS NULL) OR (state = 'redacting' AND redact_txn_id IS NULL)",
        false,
    ),
    rule(
        [
            "bodies_have_a_waiting_event",
            "bodies are kept of meta events that are not going to be sent",
            "meta event",
            "nothing needs them: delete these rows of meta_event_bodies while no service runs",
        ],
        "SELECT COUNT(*), CAST(MIN(b.id) AS TEXT) FROM meta_event_bodies b \
         LEFT JOIN meta_events e ON e.id = b.id WHERE e.id IS NULL OR e.state <> 'waiting'",
        false,
    ),
    rule(
        [
            "members_have_a_waiting_event",
            "copies are noted for meta events that are not going to be sent, or for no usage",
            "meta event",
            "nothing needs them: delete these rows of meta_event_members while no service runs",
        ],
        "SELECT COUNT(*), CAST(MIN(m.meta_event_id) AS TEXT) FROM meta_event_members m \
         LEFT JOIN meta_events e ON e.id = m.meta_event_id LEFT JOIN media_references r ON r.id = m.media_reference_id \
         WHERE r.id IS NULL OR e.id IS NULL OR e.state <> 'waiting'",
        false,
    ),
    rule(
        [
            "tombstones_are_whole",
            "rows of ended links are cut off: what ended long ago may answer 404 in place of 410",
            "row",
            "restore a backup; without one, delete these rows of tombstones while no service runs",
        ],
        "SELECT COUNT(*), CAST(MIN(first) AS TEXT) FROM tombstones WHERE length(ended) % 13 <> 0",
        false,
    ),
];
