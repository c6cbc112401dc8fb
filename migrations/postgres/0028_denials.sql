-- What commands have put on the list of what gets no link or no service.
CREATE TABLE denials (
    kind       TEXT COLLATE "C" NOT NULL,
    value      TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL DEFAULT '', -- for the operator
    created_at BIGINT NOT NULL,
    PRIMARY KEY (kind, value)
);

-- How often a list has changed: services look at this, and read the list if it is another one.
CREATE TABLE list_versions (
    list    TEXT COLLATE "C" PRIMARY KEY,
    version BIGINT NOT NULL
);

-- What is known of the bytes of media, of those that were looked at.
CREATE TABLE screened_media (
    name        BYTEA PRIMARY KEY, -- a digest of the mxc URI and of the key that decrypts the bytes
    sha256      BYTEA NOT NULL, -- of the bytes, decrypted
    scan        TEXT COLLATE "C" NOT NULL DEFAULT '', -- what a scanner has said; empty: none was asked
    screened_at BIGINT NOT NULL
);
CREATE INDEX screened_media_at ON screened_media (screened_at);
