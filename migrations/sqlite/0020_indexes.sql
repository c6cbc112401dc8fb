-- Indexes by which every statement finds its rows, whatever the tables hold. The indexes of links are the most
-- of what a link takes: where only live or only ended links are asked for, an index holds only those.

-- Live links: of a medium, in a room, for an event; of an event; of a key.
DROP INDEX IF EXISTS links_repeated;
CREATE INDEX links_repeated ON links (mxc, room_id, event_id) WHERE state = 'live';
DROP INDEX IF EXISTS links_of_event;
CREATE INDEX links_of_event ON links (event_id) WHERE state = 'live';
CREATE INDEX links_of_key ON links (key_id) WHERE state = 'live';
-- Ended links: of a medium, of an event, of a usage.
DROP INDEX IF EXISTS links_of_media;
CREATE INDEX links_ended_of_media ON links (mxc) WHERE state <> 'live';
CREATE INDEX links_ended_of_event ON links (event_id) WHERE state <> 'live';
CREATE INDEX links_ended_of_reference ON links (media_reference_id) WHERE NOT state = 'live';
-- All of them: of a room, of a sender, and the rest, in the order in which they are listed.
DROP INDEX IF EXISTS links_of_room;
CREATE INDEX links_of_room ON links (room_id, id);
CREATE INDEX links_of_sender ON links (sender, id) WHERE sender <> '';
DROP INDEX IF EXISTS links_of_bridge;
CREATE INDEX links_of_bridge ON links (bridge, state, issued_at, id);
CREATE INDEX links_legacy ON links (bridge, state, issued_at, id) WHERE form = 'legacy';

CREATE INDEX media_references_failed ON media_references (bridge, room_id) WHERE state = 'failed';
CREATE INDEX media_references_disabled ON media_references (id) WHERE state = 'disabled';

CREATE INDEX meta_events_of_bridge ON meta_events (bridge, id);
CREATE INDEX meta_events_unfinished ON meta_events (state, id) WHERE state NOT IN ('sent', 'redacted');

-- Touches that wait for a follow are not due, however long ago their time was.
DROP INDEX touches_due;
CREATE INDEX touches_due ON touches (next_touch_at) WHERE waits_for_follow = 0;
CREATE INDEX touches_at ON touches (next_touch_at) WHERE waits_for_follow = 1;

CREATE INDEX own_uploads_due ON own_uploads (next_attempt_at);

DROP INDEX revocations_of_bridge;
CREATE INDEX revocations_of ON revocations
    (bridge, COALESCE(room_id, ''), COALESCE(event_id, ''), COALESCE(mxc, ''), revoked_at);
CREATE INDEX revocations_age ON revocations (revoked_at);

CREATE INDEX seen_media_gone ON seen_media (bridge, gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX open_questions_age ON open_questions (noted_at);

-- Every room with meta events, and when it was compared; before the first time, since when it has some.
INSERT INTO compared_rooms (bridge, room_id, compared_at)
SELECT bridge, room_id, MIN(created_at) FROM meta_events WHERE TRUE
GROUP BY bridge, room_id
ON CONFLICT (bridge, room_id) DO NOTHING;
CREATE INDEX compared_rooms_at ON compared_rooms (compared_at);
CREATE INDEX questioned_rooms_of_room ON questioned_rooms (room_id);
