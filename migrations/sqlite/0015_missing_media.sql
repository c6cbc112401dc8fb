-- Media of which the homeserver has said once that it does not have it. A second time ends the links
-- to it: a further state of links, gone. Media is known by all that decides about the homeserver's
-- answer: who asks, with which content token, and for which copy (the empty text: for none).
CREATE TABLE missing_media (
    bridge        TEXT   NOT NULL,
    mxc           TEXT   NOT NULL,
    content_token TEXT   NOT NULL,
    copy_mxc      TEXT   NOT NULL,
    missing_since BIGINT NOT NULL,
    ask_at        BIGINT NOT NULL, -- when we ask again ourselves
    PRIMARY KEY (bridge, mxc, content_token, copy_mxc)
);
CREATE INDEX missing_media_due ON missing_media (ask_at);
