-- Decisions by which many links end. A decision holds from its commit on, by what it says; the rows of the
-- links follow some at a time. A missing criterion means every value.
CREATE TABLE endings (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    state            TEXT    NOT NULL, -- in which the links end: revoked, redacted
    bridge           TEXT,
    room_id          TEXT,
    event_id         TEXT,
    shown_by         TEXT,
    mxc              TEXT,
    sender           TEXT,
    key_id           BIGINT,
    issued_before_at BIGINT,
    up_to            BIGINT  NOT NULL, -- the last row of a link at the time of the decision
    looked_up_to     BIGINT  NOT NULL, -- links of lower rows need not be looked at again
    ended            BIGINT  NOT NULL, -- how many links have ended by it
    decided_at       BIGINT  NOT NULL,
    finished_at      BIGINT            -- null: there may be more
);
CREATE INDEX endings_open ON endings (id) WHERE finished_at IS NULL;

-- What is left of links that ended long ago, sorted into rows of some dozens by a digest of bridge and link ID:
-- 13 bytes for each link, which are the digest, the cause and the second of its end.
CREATE TABLE tombstones (
    first INTEGER PRIMARY KEY, -- no digest in the row is lower, nor as high as the first of the next row
    ended BLOB   NOT NULL
);

-- Which links ended when, and which meta events.
CREATE INDEX links_ended ON links (ended_at, id) WHERE ended_at IS NOT NULL;
CREATE INDEX meta_events_ended ON meta_events (COALESCE(redacted_at, created_at), id)
    WHERE next_attempt_at IS NULL AND state IN ('redacted', 'lost', 'failed', 'dropped');
-- Whether anything refers to a usage.
CREATE INDEX meta_event_members_of_usage ON meta_event_members (media_reference_id);
DROP INDEX links_of_reference;
DROP INDEX links_ended_of_reference;
CREATE INDEX links_of_reference ON links (media_reference_id, state);
