-- Links that cost little. What many rows share stands once: rooms and users as numbers of matrix_ids, the media
-- of a link in its usage alone. What a meta event was sent as is kept for as long as it may have to be repeated.

-- Rooms (the empty text: none) and users.
CREATE TABLE matrix_ids (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    matrix_id TEXT    NOT NULL UNIQUE
);
INSERT INTO matrix_ids (matrix_id)
SELECT room_id FROM media_references UNION SELECT room_id FROM links UNION SELECT sender FROM links WHERE sender <> '';

-- Once a meta event counts its usages, they say so themselves. Of those that it names, some may be counted by a
-- later one meanwhile.
ALTER TABLE meta_events ADD COLUMN named BIGINT NOT NULL DEFAULT 0;
UPDATE meta_events SET named = (SELECT COUNT(*) FROM meta_event_members WHERE meta_event_id = meta_events.id);
UPDATE meta_events SET content = '' WHERE state <> 'waiting' AND content <> '';

CREATE TABLE new_media_references (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    bridge        TEXT    NOT NULL,
    room          BIGINT  NOT NULL REFERENCES matrix_ids (id),
    mxc           TEXT    NOT NULL,
    content_token TEXT    NOT NULL DEFAULT '',
    state         TEXT    NOT NULL, -- disabled, pending, counted, failed, released
    pending_at    BIGINT,           -- since when it waits to be gathered
    counted_by    BIGINT,           -- the meta event that counts it now
    queued_in     BIGINT,           -- the meta event, not sent yet, that will
    copy_mxc      TEXT,
    own_upload_at BIGINT,
    UNIQUE (mxc, bridge, content_token, room)
);
INSERT INTO new_media_references
SELECT r.id, r.bridge, i.id, r.mxc, r.content_token, r.state, r.pending_at, r.counted_by, r.queued_in, r.copy_mxc,
    r.own_upload_at
FROM media_references r JOIN matrix_ids i ON i.matrix_id = r.room_id ORDER BY r.id;

CREATE TABLE new_links (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    link_id            TEXT    NOT NULL UNIQUE,
    form               TEXT    NOT NULL, -- short, self_contained, legacy
    key_id             BIGINT  NOT NULL,
    bridge             TEXT    NOT NULL,
    media_reference_id BIGINT  NOT NULL REFERENCES new_media_references (id), -- media, content token
    room               BIGINT  NOT NULL REFERENCES matrix_ids (id),
    event_id           TEXT    NOT NULL DEFAULT '',
    sender             BIGINT  REFERENCES matrix_ids (id),
    filename           TEXT,
    mimetype           TEXT,
    size               BIGINT,
    issued_at          BIGINT  NOT NULL,
    expires_at         BIGINT,
    state              TEXT    NOT NULL, -- live, expired, revoked, redacted, spent, gone
    follows            BIGINT  NOT NULL DEFAULT 0,
    bytes_served       BIGINT  NOT NULL DEFAULT 0,
    last_followed_at   BIGINT,
    pages_only         SMALLINT NOT NULL DEFAULT 0,
    is_spoiler         SMALLINT, -- of a warning: whether it is one of a spoiler
    is_doubted         SMALLINT NOT NULL DEFAULT 0, -- its event may be redacted
    shown_by           TEXT    NOT NULL DEFAULT '', -- the edit that brought the media
    nonce              BLOB,                        -- with lifetime_s: what it takes to make a
    lifetime_s         BIGINT,                      -- self-contained token again
    file               BLOB,                        -- AES key, counter block, SHA-256: 80 bytes
    ended_at           BIGINT,
    max_follows        BIGINT,
    max_size           BIGINT,
    renewed_at         BIGINT,
    width              BIGINT,                      -- pixels
    height             BIGINT,
    duration_ms        BIGINT,
    blurhash           TEXT,
    warning            TEXT,                        -- not to be shown at once; why, or the empty text
    paste_digest       BLOB,
    language           TEXT
);
INSERT INTO new_links
SELECT l.id, l.link_id, l.form, l.key_id, l.bridge, l.media_reference_id, r.id, l.event_id, s.id, l.filename, l.mimetype,
    l.size, l.issued_at, l.expires_at, l.state, l.follows, l.bytes_served, l.last_followed_at, l.pages_only,
    CASE WHEN l.warning IS NOT NULL THEN l.is_spoiler END, l.is_doubted, l.shown_by, l.nonce, l.lifetime_s, l.file, l.ended_at, l.max_follows, l.max_size,
    l.renewed_at, l.width, l.height, l.duration_ms, l.blurhash, l.warning, l.paste_digest, l.language
FROM links l JOIN matrix_ids r ON r.matrix_id = l.room_id LEFT JOIN matrix_ids s ON s.matrix_id = l.sender AND l.sender <> ''
ORDER BY l.id;

-- Until the meta event is sent, or given up.
CREATE TABLE new_meta_event_members (
    meta_event_id      BIGINT NOT NULL REFERENCES meta_events (id),
    media_reference_id BIGINT NOT NULL REFERENCES new_media_references (id),
    copy_mxc           TEXT,
    copied_at          BIGINT,
    PRIMARY KEY (meta_event_id, media_reference_id)
);
INSERT INTO new_meta_event_members
SELECT m.meta_event_id, m.media_reference_id, m.copy_mxc, m.copied_at
FROM meta_event_members m JOIN meta_events e ON e.id = m.meta_event_id WHERE e.state = 'waiting';

CREATE TABLE new_cache_purges (
    media_reference_id BIGINT PRIMARY KEY REFERENCES new_media_references (id),
    purge_at           BIGINT NOT NULL,
    is_last            BOOLEAN NOT NULL DEFAULT FALSE
);
INSERT INTO new_cache_purges SELECT media_reference_id, purge_at, is_last FROM cache_purges;

-- IDs are never given twice.
DELETE FROM sqlite_sequence WHERE name IN ('new_media_references', 'new_links');
INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_' || name, seq FROM sqlite_sequence WHERE name IN ('media_references', 'links');

DROP TABLE links;
DROP TABLE meta_event_members;
DROP TABLE cache_purges;
DROP TABLE media_references;
ALTER TABLE new_media_references RENAME TO media_references;
ALTER TABLE new_links RENAME TO links;
ALTER TABLE new_meta_event_members RENAME TO meta_event_members;
ALTER TABLE new_cache_purges RENAME TO cache_purges;

CREATE INDEX cache_purges_due ON cache_purges (purge_at);

CREATE INDEX media_references_pending ON media_references (bridge, room) WHERE state = 'pending';
CREATE INDEX media_references_queued ON media_references (queued_in) WHERE queued_in IS NOT NULL;
CREATE INDEX media_references_counted ON media_references (counted_by) WHERE counted_by IS NOT NULL;
CREATE INDEX media_references_waiting ON media_references (bridge, pending_at)
    WHERE state = 'pending' AND queued_in IS NULL;
CREATE INDEX media_references_secret ON media_references (id)
    WHERE content_token <> '' AND substr(content_token, 1, 1) <> ' ' AND counted_by IS NULL AND queued_in IS NULL;
CREATE INDEX media_references_failed ON media_references (bridge, room) WHERE state = 'failed';
CREATE INDEX media_references_disabled ON media_references (id) WHERE state = 'disabled';

-- Live links: of a usage, of an event, of a usage without an event, of a key, of a bridge by time.
CREATE INDEX links_of_reference ON links (media_reference_id) WHERE state = 'live';
CREATE INDEX links_of_event ON links (event_id) WHERE state = 'live' AND event_id <> '';
CREATE INDEX links_without_event ON links (media_reference_id) WHERE state = 'live' AND event_id = '';
CREATE INDEX links_of_key ON links (key_id) WHERE state = 'live';
CREATE INDEX links_of_bridge ON links (bridge, issued_at) WHERE state = 'live';
CREATE INDEX links_expiring ON links (expires_at) WHERE state = 'live' AND expires_at IS NOT NULL;
CREATE INDEX links_shown_by ON links (shown_by) WHERE state = 'live' AND shown_by <> '';
CREATE INDEX links_of_paste ON links (paste_digest) WHERE state = 'live' AND paste_digest IS NOT NULL;
CREATE INDEX links_doubted ON links (room) WHERE is_doubted = 1;
-- Ended links: of a bridge by state and time, of a usage, of an event, with secrets.
CREATE INDEX links_ended_of_bridge ON links (bridge, state, issued_at) WHERE state <> 'live';
CREATE INDEX links_ended_of_reference ON links (media_reference_id) WHERE NOT state = 'live';
CREATE INDEX links_ended_of_event ON links (event_id) WHERE state <> 'live' AND event_id <> '';
CREATE INDEX links_secret ON links (media_reference_id)
    WHERE state <> 'live' AND (file IS NOT NULL OR nonce IS NOT NULL);
-- All of them: of a room, of a sender, and the rest, in the order in which they are listed.
CREATE INDEX links_of_room ON links (room, id);
CREATE INDEX links_of_sender ON links (sender, id) WHERE sender IS NOT NULL;
CREATE INDEX links_legacy ON links (bridge, state, issued_at) WHERE form = 'legacy';
