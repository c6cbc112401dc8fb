-- Every key that the key file has ever held, so that no ID comes to stand for another secret, and no
-- key file is made anew where there was one. Of a secret only a hash is kept.
CREATE TABLE link_keys (
    key_id      BIGINT PRIMARY KEY,
    fingerprint BLOB   NOT NULL,
    seen_at     BIGINT NOT NULL,
    ended       TEXT              -- revoked, retired: it may never verify again
);

-- One row, which is written to see whether the database takes writes.
CREATE TABLE readiness (
    id        BIGINT PRIMARY KEY,
    proved_at BIGINT NOT NULL
);

-- Secrets that nobody needs any more and that are still there. A usage whose token was wiped has a
-- space and its row's ID in its place, which is no token and keeps it apart from other usages.
CREATE INDEX links_secret ON links (media_reference_id)
    WHERE state <> 'live' AND (content_token <> '' OR file IS NOT NULL OR nonce IS NOT NULL);
CREATE INDEX media_references_secret ON media_references (id)
    WHERE content_token <> '' AND substr(content_token, 1, 1) <> ' '
    AND counted_by IS NULL AND queued_in IS NULL;
CREATE INDEX meta_events_secret ON meta_events (id)
    WHERE content <> '' AND state IN ('redacted', 'lost', 'failed', 'dropped');
CREATE INDEX seen_media_secret ON seen_media (id)
    WHERE content_token <> '' AND gone_at IS NOT NULL;
