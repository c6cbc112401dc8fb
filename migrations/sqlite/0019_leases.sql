-- Work that one replica does at a time. A SQLite file has one service, which needs no lease: the table is here
-- because it is in the other database.

CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  INTEGER NOT NULL
);
