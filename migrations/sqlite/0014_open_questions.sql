-- Questions about pushed events that the homeserver has not answered yet: which of two events a
-- redaction means, and whether an edit is the sender's own.
CREATE TABLE open_questions (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    bridge         TEXT   NOT NULL,            -- which has received the event
    room_id        TEXT   NOT NULL,
    kind           TEXT   NOT NULL,            -- redaction, edit
    event_id       TEXT   NOT NULL DEFAULT '', -- named at the top level; of an edit, the edited event
    other_event_id TEXT   NOT NULL DEFAULT '', -- named in the content
    sender         TEXT   NOT NULL DEFAULT '', -- of an edit
    media          TEXT   NOT NULL DEFAULT '', -- of an edit: the mxc URIs that it leaves, in lines
    noted_at       BIGINT NOT NULL
);
CREATE INDEX open_questions_of_room ON open_questions (room_id, event_id);

-- When a room with open questions is asked next, and how often it has failed to answer.
CREATE TABLE questioned_rooms (
    bridge      TEXT   NOT NULL,
    room_id     TEXT   NOT NULL,
    next_ask_at BIGINT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (bridge, room_id)
);
CREATE INDEX questioned_rooms_due ON questioned_rooms (next_ask_at);

-- 1: an open question is about the link's event. Until it is decided, the link is not followed.
ALTER TABLE links ADD COLUMN is_doubted BIGINT NOT NULL DEFAULT 0;
CREATE INDEX links_doubted ON links (room_id) WHERE is_doubted = 1;
ALTER TABLE seen_media ADD COLUMN is_doubted BIGINT NOT NULL DEFAULT 0;
CREATE INDEX seen_media_doubted ON seen_media (room_id) WHERE is_doubted = 1;

-- When a room that waits is asked next for its policy (NULL: once something happens there), and how
-- often it has failed to answer.
ALTER TABLE room_policies ADD COLUMN next_ask_at BIGINT;
ALTER TABLE room_policies ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
UPDATE room_policies SET next_ask_at = 0 WHERE waits = 1;
DROP INDEX room_policies_waiting;
CREATE INDEX room_policies_due ON room_policies (next_ask_at) WHERE waits = 1 AND next_ask_at IS NOT NULL;
