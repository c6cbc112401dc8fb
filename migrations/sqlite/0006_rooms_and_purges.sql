-- When the bridge behind us has answered a transaction with success: from then on it is not
-- handed on again.
ALTER TABLE appservice_transactions ADD COLUMN handed_on_at BIGINT;

-- Rooms that were replaced (m.room.tombstone). The usage of their media is counted in the new
-- room once the bridge's user is there.
CREATE TABLE room_successors (
    bridge    TEXT   NOT NULL,
    room_id   TEXT   NOT NULL,
    successor TEXT   NOT NULL,
    check_at  BIGINT,          -- when to look whether the bridge's user is there; null: once it joins
    moved_at  BIGINT,          -- since when usage is counted there
    PRIMARY KEY (bridge, room_id)
);
CREATE INDEX room_successors_check ON room_successors (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX room_successors_new ON room_successors (bridge, successor);

-- Media to be taken out of the cache, because its last link was revoked, redacted or used up.
-- What was on its way to a reader then may come into the cache a little later, so that it is
-- taken out twice.
CREATE TABLE cache_purges (
    media_reference_id BIGINT PRIMARY KEY REFERENCES media_references (id),
    purge_at           BIGINT NOT NULL,
    is_last            BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX cache_purges_due ON cache_purges (purge_at);

-- What waits in a room, and what is counted there.
CREATE INDEX meta_events_of_room ON meta_events (bridge, room_id, state);
