-- Less for each link. The body of a meta event, which is long, stands in a table of its own for as long as it may have
-- to be repeated. A usage is found by its medium, whose index holds digests; one more digest keeps two rows from being
-- the same usage.
DROP INDEX meta_events_secret;
CREATE TABLE meta_event_bodies (
    id      BIGINT PRIMARY KEY REFERENCES meta_events (id) ON DELETE CASCADE,
    batch   TEXT COLLATE "C" NOT NULL, -- that of the meta event, to which a sealed body is bound
    content TEXT COLLATE "C" NOT NULL  -- to the byte
);
INSERT INTO meta_event_bodies SELECT id, batch, content FROM meta_events WHERE state = 'waiting';
ALTER TABLE meta_events DROP COLUMN content;

ALTER TABLE media_references DROP CONSTRAINT media_references_mxc_bridge_content_token_room_key;
CREATE INDEX media_references_of_mxc ON media_references USING hash (mxc);
CREATE UNIQUE INDEX media_references_identity ON media_references
    ((md5(mxc || ' ' || bridge || ' ' || content_token || ' ' || room::text)::uuid));

