-- What an event says of its media, for the page that shows it.
ALTER TABLE links ADD COLUMN width       BIGINT; -- pixels
ALTER TABLE links ADD COLUMN height      BIGINT;
ALTER TABLE links ADD COLUMN duration_ms BIGINT;
ALTER TABLE links ADD COLUMN blurhash    TEXT;
ALTER TABLE links ADD COLUMN warning     TEXT;   -- not to be shown at once; why, or the empty text
ALTER TABLE links ADD COLUMN shown_by    TEXT   NOT NULL DEFAULT ''; -- the edit that brought the media
CREATE INDEX links_shown_by ON links (room_id, shown_by) WHERE state = 'live' AND shown_by <> '';
ALTER TABLE links ADD COLUMN is_spoiler  BIGINT NOT NULL DEFAULT 0; -- whether that is a spoiler
