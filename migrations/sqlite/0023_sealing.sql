-- The key that seals the secrets in rows, itself sealed under the root secret. No row: they are not sealed.
CREATE TABLE data_keys (
    id     INTEGER PRIMARY KEY, -- 1
    sealed BLOB NOT NULL,
    is_all INTEGER NOT NULL DEFAULT 0 -- 1: every secret is sealed by it
);

-- A sealed value is no part of a primary key, in whose order rows are moved.
CREATE TABLE new_missing_media (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    bridge        TEXT NOT NULL,
    mxc           TEXT NOT NULL,
    content_token TEXT NOT NULL,
    copy_mxc      TEXT NOT NULL,
    missing_since BIGINT NOT NULL,
    ask_at        BIGINT NOT NULL, -- when we ask again ourselves
    UNIQUE (bridge, mxc, content_token, copy_mxc)
);
INSERT INTO new_missing_media (bridge, mxc, content_token, copy_mxc, missing_since, ask_at)
SELECT bridge, mxc, content_token, copy_mxc, missing_since, ask_at FROM missing_media;
DROP TABLE missing_media;
ALTER TABLE new_missing_media RENAME TO missing_media;
CREATE INDEX missing_media_due ON missing_media (ask_at);
