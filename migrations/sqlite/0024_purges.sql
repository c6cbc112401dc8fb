-- Media that has to leave every cache: a log that each cache reads at its own pace, and how far each one has
-- come. Entries that all have read are deleted; their numbers are not given again.

CREATE TABLE purge_log (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    names BLOB NOT NULL -- keyed digests that name media in caches, 32 bytes each
);

CREATE TABLE purge_cursors (
    cache    TEXT PRIMARY KEY, -- a random value of a folder, or the name of a store that all share
    holder   TEXT NOT NULL, -- the start of a service that reads for it
    position BIGINT NOT NULL, -- the last entry that it has purged
    seen_at  BIGINT NOT NULL
);

-- Answers about links that have ended, to be purged from what is in front of the services.
CREATE TABLE front_purges (
    media_reference_id BIGINT PRIMARY KEY,
    ended_since        BIGINT NOT NULL,
    next_attempt_at    BIGINT NOT NULL,
    attempts           BIGINT NOT NULL DEFAULT 0,
    is_last            BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX front_purges_due ON front_purges (next_attempt_at);
