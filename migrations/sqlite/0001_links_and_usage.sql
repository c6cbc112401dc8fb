-- Links, the media they refer to, and the meta events that count it.
--
-- Times are milliseconds since the epoch. A missing event ID, sender or content token is the
-- empty text, so that it compares like any other value.

-- One usage of media: the four columns under UNIQUE are what a homeserver counts once.
CREATE TABLE media_references (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    bridge        TEXT    NOT NULL,
    room_id       TEXT    NOT NULL,
    mxc           TEXT    NOT NULL,
    content_token TEXT    NOT NULL DEFAULT '',
    state         TEXT    NOT NULL, -- disabled, pending, counted, failed, released
    pending_at    BIGINT,           -- since when it waits to be gathered
    counted_by    BIGINT,           -- the meta event that counts it now
    queued_in     BIGINT,           -- the meta event, not sent yet, that will
    UNIQUE (bridge, room_id, mxc, content_token)
);

-- What the worker gathers, and what a settled meta event moves.
CREATE INDEX media_references_pending ON media_references (bridge, room_id) WHERE state = 'pending';
CREATE INDEX media_references_queued ON media_references (queued_in) WHERE queued_in IS NOT NULL;
CREATE INDEX media_references_counted ON media_references (counted_by) WHERE counted_by IS NOT NULL;

CREATE TABLE links (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    link_id            TEXT    NOT NULL UNIQUE,
    form               TEXT    NOT NULL, -- short, self_contained
    key_id             BIGINT  NOT NULL,
    nonce              BLOB,             -- with lifetime_s: what it takes to make a
    lifetime_s         BIGINT,           -- self-contained token again
    bridge             TEXT    NOT NULL,
    media_reference_id BIGINT  NOT NULL REFERENCES media_references (id),
    room_id            TEXT    NOT NULL,
    event_id           TEXT    NOT NULL DEFAULT '',
    sender             TEXT    NOT NULL DEFAULT '',
    mxc                TEXT    NOT NULL,
    content_token      TEXT    NOT NULL DEFAULT '',
    file               BLOB,             -- AES key, counter block, SHA-256: 80 bytes
    filename           TEXT,
    mimetype           TEXT,
    size               BIGINT,
    issued_at          BIGINT  NOT NULL,
    expires_at         BIGINT,
    max_follows        BIGINT,
    state              TEXT    NOT NULL, -- live, expired, revoked, redacted, spent
    ended_at           BIGINT,
    follows            BIGINT  NOT NULL DEFAULT 0,
    bytes_served       BIGINT  NOT NULL DEFAULT 0,
    last_followed_at   BIGINT
);

-- A bridge that asks again gets the link it has.
CREATE INDEX links_repeated ON links (bridge, mxc, room_id, event_id) WHERE state = 'live';
-- Is this media still linked? Which links has this event?
CREATE INDEX links_of_reference ON links (media_reference_id) WHERE state = 'live';
CREATE INDEX links_of_event ON links (room_id, event_id) WHERE state = 'live';
CREATE INDEX links_expiring ON links (expires_at) WHERE state = 'live' AND expires_at IS NOT NULL;
-- Listing by bridge, newest first.
CREATE INDEX links_of_bridge ON links (bridge, id);
CREATE INDEX links_of_room ON links (bridge, room_id, id);
CREATE INDEX links_of_media ON links (mxc, bridge, id);

-- The outbox: meta events, from the wish to send them to their redaction.
CREATE TABLE meta_events (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    bridge           TEXT    NOT NULL,
    room_id          TEXT    NOT NULL, -- where it is sent: the media's room, or the fallback room
    state            TEXT    NOT NULL, -- waiting, sent, redacting, redacted, failed, dropped
    event_type       TEXT    NOT NULL,
    content          TEXT    NOT NULL, -- the body, to the byte
    batch            TEXT    NOT NULL, -- the body's unique value, by which it is found in the room
    txn_id           TEXT    NOT NULL,
    device_id        TEXT    NOT NULL, -- empty: the homeserver has no devices for appservices
    event_id         TEXT,
    redact_txn_id    TEXT,
    attempts         BIGINT  NOT NULL DEFAULT 0,
    unknown_since    BIGINT,           -- first attempt whose outcome is not known
    next_attempt_at  BIGINT,
    claimed_until    BIGINT,
    review_at        BIGINT,           -- when to look whether all of it is still needed
    last_error       TEXT,
    created_at       BIGINT  NOT NULL
);

CREATE INDEX meta_events_due ON meta_events (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX meta_events_review ON meta_events (review_at) WHERE review_at IS NOT NULL;

CREATE TABLE meta_event_members (
    meta_event_id      BIGINT NOT NULL REFERENCES meta_events (id),
    media_reference_id BIGINT NOT NULL REFERENCES media_references (id),
    PRIMARY KEY (meta_event_id, media_reference_id)
);
