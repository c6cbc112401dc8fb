-- What operators have done, by commands and by the console.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    done_at  BIGINT NOT NULL,
    actor    TEXT NOT NULL, -- console:<user or token>, command line:<system user>
    deed     TEXT NOT NULL, -- the words of the command
    subject  TEXT NOT NULL DEFAULT '', -- on what; no secret
    affected BIGINT -- NULL: it has not ended yet, or has failed
);
CREATE INDEX audit_done ON audit (done_at);

-- Sessions of the console, by the digests of their IDs.
CREATE TABLE console_sessions (
    digest     BLOB NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX console_sessions_expire ON console_sessions (expires_at);

-- When an operator has marked a report as seen to.
ALTER TABLE reports ADD COLUMN handled_at BIGINT;
