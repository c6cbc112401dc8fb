-- Less for each link. The body of a meta event, which is long, stands in a table of its own for as long as it may have
-- to be repeated: where it was emptied in its row, pages stayed nearly empty. A usage is found by its medium alone, of
-- which few rooms make use: an index of all that it is known by held its content token once more.
DROP INDEX meta_events_secret;
CREATE TABLE meta_event_bodies (
    id      INTEGER PRIMARY KEY REFERENCES meta_events (id) ON DELETE CASCADE,
    batch   TEXT NOT NULL, -- that of the meta event, to which a sealed body is bound
    content TEXT NOT NULL  -- to the byte
);
INSERT INTO meta_event_bodies SELECT id, batch, content FROM meta_events WHERE state = 'waiting' ORDER BY id;
ALTER TABLE meta_events DROP COLUMN content;

-- Links refer to usages, also while their table is made anew.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE old_sequence AS SELECT seq FROM sqlite_sequence WHERE name = 'media_references';
CREATE TABLE old_references AS
SELECT id, bridge, room, mxc, content_token, state, pending_at, counted_by, queued_in, copy_mxc, own_upload_at
FROM media_references;
DROP TABLE media_references;
CREATE TABLE media_references (
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
    own_upload_at BIGINT
);
INSERT INTO media_references SELECT * FROM old_references ORDER BY id;
DROP TABLE old_references;
-- IDs are never given twice.
DELETE FROM sqlite_sequence WHERE name = 'media_references';
INSERT INTO sqlite_sequence (name, seq) SELECT 'media_references', seq FROM old_sequence;
DROP TABLE old_sequence;

CREATE INDEX media_references_of_mxc ON media_references (mxc);
CREATE INDEX media_references_pending ON media_references (bridge, room) WHERE state = 'pending';
CREATE INDEX media_references_queued ON media_references (queued_in) WHERE queued_in IS NOT NULL;
CREATE INDEX media_references_counted ON media_references (counted_by) WHERE counted_by IS NOT NULL;
CREATE INDEX media_references_waiting ON media_references (bridge, pending_at)
    WHERE state = 'pending' AND queued_in IS NULL;
CREATE INDEX media_references_secret ON media_references (id)
    WHERE content_token <> '' AND substr(content_token, 1, 1) <> ' ' AND counted_by IS NULL AND queued_in IS NULL;
CREATE INDEX media_references_failed ON media_references (bridge, room) WHERE state = 'failed';
CREATE INDEX media_references_disabled ON media_references (id) WHERE state = 'disabled';
