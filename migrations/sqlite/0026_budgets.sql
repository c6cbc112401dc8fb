-- What is used of limits that are counted by the day or the hour: so that they survive restarts, and hold for all
-- services together. A row is there as long as something is used.
CREATE TABLE budgets (
    digest     TEXT NOT NULL PRIMARY KEY, -- a keyed digest of the limit and of whose it is
    free_at    BIGINT NOT NULL, -- when nothing is used any more, in nanoseconds since the epoch
    changed_at BIGINT NOT NULL -- in nanoseconds since the epoch
);
CREATE INDEX budgets_free ON budgets (free_at);
CREATE INDEX budgets_changed ON budgets (changed_at);
