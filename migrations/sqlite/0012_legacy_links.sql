-- Links that bridges have made by themselves are rows of links too, of the form legacy: they have
-- no room (the empty text) and none of our keys (key_id -1), and are issued when they are followed
-- first.

-- Which events have shown media that such links may lead to.
CREATE TABLE seen_media (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    bridge        TEXT   NOT NULL,
    mxc           TEXT   NOT NULL,
    room_id       TEXT   NOT NULL,
    event_id      TEXT   NOT NULL,            -- the event; of an edit, the one that it edits
    shown_by      TEXT   NOT NULL,            -- the event itself, or its edit
    content_token TEXT   NOT NULL DEFAULT '',
    seen_at       BIGINT NOT NULL,
    gone_at       BIGINT,                     -- since when it does not show it any more
    UNIQUE (bridge, mxc, room_id, shown_by)
);
CREATE INDEX seen_media_of_event ON seen_media (room_id, event_id);
CREATE INDEX seen_media_shown_by ON seen_media (room_id, shown_by);
CREATE INDEX seen_media_age ON seen_media (bridge, seen_at);
-- A popular emoji is shown by very many events.
CREATE INDEX seen_media_shown ON seen_media (bridge, mxc, seen_at) WHERE gone_at IS NULL;
CREATE INDEX seen_media_told ON seen_media (bridge, mxc, seen_at) WHERE gone_at IS NULL AND content_token <> '';
