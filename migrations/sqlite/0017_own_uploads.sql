-- Media that we have uploaded ourselves (pastes): once no link to it lives and its usage is released, it
-- is deleted from the homeserver where that is offered (MSC4322). A row goes with the media.
CREATE TABLE own_uploads (
    mxc             TEXT   PRIMARY KEY,
    bridge          TEXT   NOT NULL,           -- whose user has uploaded it, and may delete it
    next_attempt_at BIGINT NOT NULL,           -- not before
    attempts        BIGINT NOT NULL DEFAULT 0  -- refused or failed ones
);

INSERT INTO own_uploads (mxc, bridge, next_attempt_at)
SELECT mxc, MIN(bridge), 0 FROM links WHERE paste_digest IS NOT NULL GROUP BY mxc;
