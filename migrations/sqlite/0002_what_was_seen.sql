-- What came in before a link was known: appservice transactions, redactions, revocations.

CREATE TABLE appservice_transactions (
    bridge      TEXT   NOT NULL,
    txn_id      TEXT   NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (bridge, txn_id)
);
CREATE INDEX appservice_transactions_age ON appservice_transactions (received_at);

-- A hash of room and event, since nobody needs to know more of them.
CREATE TABLE redacted_events (
    event_hash  BLOB   PRIMARY KEY,
    redacted_at BIGINT NOT NULL
);
CREATE INDEX redacted_events_age ON redacted_events (redacted_at);

-- Revocations hold for links that a bridge signed by itself and that are not seen yet.
CREATE TABLE revocations (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    bridge           TEXT   NOT NULL,
    room_id          TEXT,
    event_id         TEXT,
    mxc              TEXT,
    issued_before_at BIGINT,
    revoked_at       BIGINT NOT NULL
);
CREATE INDEX revocations_of_bridge ON revocations (bridge);
