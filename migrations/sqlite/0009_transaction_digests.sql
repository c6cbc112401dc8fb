-- What a transaction held, so that another one under the same ID is not taken for a repeat: a
-- homeserver that was restored from a backup counts its transactions from there again.
ALTER TABLE appservice_transactions ADD COLUMN digest BLOB;

-- Media that an event no longer has since it was edited: a hash of room, event and mxc URI.
CREATE TABLE dropped_media (
    media_hash BLOB   PRIMARY KEY,
    dropped_at BIGINT NOT NULL
);
CREATE INDEX dropped_media_age ON dropped_media (dropped_at);
