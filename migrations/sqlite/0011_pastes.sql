-- Pastes: texts that bridges hand over, which we upload ourselves.

-- A link to a paste: a keyed digest of what was asked for, by which a repeated request is known
-- (NULL: no paste), and the language of the text. The text itself is kept by the homeserver alone.
ALTER TABLE links ADD COLUMN paste_digest BLOB;
ALTER TABLE links ADD COLUMN language TEXT;
CREATE INDEX links_of_paste ON links (paste_digest) WHERE state = 'live' AND paste_digest IS NOT NULL;

-- Media that we have uploaded ourselves to be attached to a meta event (MSC3911): since when it is
-- there. Until it is attached it lives for minutes only.
ALTER TABLE media_references ADD COLUMN own_upload_at BIGINT;
