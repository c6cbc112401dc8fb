-- What the state event org.matrix.msc3910.link_policy of a room says, as far as it is known.
CREATE TABLE room_policies (
    room_id         TEXT   PRIMARY KEY,
    bridge          TEXT   NOT NULL,            -- as whose user the room is asked
    enabled         BIGINT NOT NULL DEFAULT 1,
    max_lifetime_ms BIGINT,
    max_size        BIGINT,                     -- in bytes
    pages_only      BIGINT NOT NULL DEFAULT 0,
    event_id        TEXT   NOT NULL DEFAULT '', -- the policy event; empty: none, or not known
    known_at        BIGINT,                     -- when this was last known to hold; NULL: never
    waits           BIGINT NOT NULL DEFAULT 0,  -- 1: the room has to be asked
    revision        BIGINT NOT NULL DEFAULT 0   -- an answer to an older question is not believed
);
CREATE INDEX room_policies_waiting ON room_policies (room_id) WHERE waits = 1;

-- What the room's policy says of a link's media, and since when a lifetime counts that was given anew
-- (NULL: since the issue).
ALTER TABLE links ADD COLUMN max_size BIGINT;
ALTER TABLE links ADD COLUMN pages_only BIGINT NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN renewed_at BIGINT;
