-- Secrets that the service makes for itself, by what they are for.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
