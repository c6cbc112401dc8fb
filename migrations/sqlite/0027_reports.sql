-- Reports of readers about links, and to whom each has been told.
CREATE TABLE reports (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    link_id    TEXT NOT NULL,
    reporter   TEXT NOT NULL, -- a keyed digest of the reader's network: one report of a link each
    bridge     TEXT NOT NULL,
    room_id    TEXT NOT NULL,
    event_id   TEXT NOT NULL DEFAULT '', -- empty: the link belongs to none
    sender     TEXT NOT NULL DEFAULT '', -- empty: not known
    mxc        TEXT NOT NULL,
    reason     TEXT NOT NULL, -- one of the words of the form
    note       TEXT NOT NULL DEFAULT '', -- what the reader has written
    created_at BIGINT NOT NULL,
    UNIQUE (link_id, reporter)
);
CREATE INDEX reports_created ON reports (created_at);

CREATE TABLE report_deliveries (
    report_id       BIGINT NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    target          TEXT NOT NULL, -- homeserver, or operator
    txn_id          TEXT NOT NULL,
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT, -- NULL: it is over
    outcome         TEXT NOT NULL DEFAULT 'waiting', -- waiting, told or failed
    PRIMARY KEY (report_id, target)
);
CREATE INDEX report_deliveries_due ON report_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
