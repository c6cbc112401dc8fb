-- Media that is linked to events (MSC3911), and the comparison of our books with the rooms.

-- What the homeserver can do, as it said last: names of unstable_features.
CREATE TABLE homeserver_features (
    name      TEXT   PRIMARY KEY,
    learnt_at BIGINT NOT NULL
);

-- The copy that is attached to the meta event that counts the usage. Its links serve it.
ALTER TABLE media_references ADD COLUMN copy_mxc TEXT;

-- Whether the event is sent with a copy of its one medium, which copy, made when, and how many
-- were refused.
ALTER TABLE meta_events ADD COLUMN has_copy BIGINT NOT NULL DEFAULT 0;
ALTER TABLE meta_events ADD COLUMN copy_mxc TEXT;
ALTER TABLE meta_events ADD COLUMN copied_at BIGINT;
ALTER TABLE meta_events ADD COLUMN copies_refused BIGINT NOT NULL DEFAULT 0;
-- When it was found to be redacted, by us or by others. A further state: lost, the homeserver does
-- not have it any more.
ALTER TABLE meta_events ADD COLUMN redacted_at BIGINT;

-- Which rooms are to be compared, which event is known, and which batch.
CREATE INDEX meta_events_compared ON meta_events (bridge, room_id, state, redacted_at, created_at);
CREATE INDEX meta_events_by_event ON meta_events (event_id) WHERE event_id IS NOT NULL;

-- When a room was compared last.
CREATE TABLE compared_rooms (
    bridge      TEXT   NOT NULL,
    room_id     TEXT   NOT NULL,
    compared_at BIGINT NOT NULL,
    PRIMARY KEY (bridge, room_id)
);
