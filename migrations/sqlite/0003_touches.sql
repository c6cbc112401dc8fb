-- When local media is to be touched next, for homeservers that count downloads.
CREATE TABLE touches (
    mxc           TEXT   PRIMARY KEY,
    next_touch_at BIGINT NOT NULL,
    misses        BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX touches_due ON touches (next_touch_at);
