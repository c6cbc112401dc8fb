-- Meta events that are on their way: a claim belongs to one attempt, and only that one may note its
-- outcome.
ALTER TABLE meta_events ADD COLUMN claim TEXT;        -- a random value; null: nobody has claimed it
ALTER TABLE meta_events ADD COLUMN claimed_at BIGINT;
UPDATE meta_events SET claimed_at = claimed_until - 120000 WHERE claimed_until IS NOT NULL;

-- Rooms whose requests fail or get no answer: nothing is sent there before the time, so that they
-- hold up no other room.
CREATE TABLE resting_rooms (
    bridge      TEXT   NOT NULL,
    room_id     TEXT   NOT NULL,
    failures    BIGINT NOT NULL,
    rests_until BIGINT NOT NULL,
    PRIMARY KEY (bridge, room_id)
);
CREATE INDEX resting_rooms_end ON resting_rooms (bridge, rests_until);

-- How often in a row a replaced room could not be looked at.
ALTER TABLE room_successors ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;

-- Each bridge has a queue of its own of everything that is due, so that none stands in the way of
-- another, whether it is configured or not.
DROP INDEX meta_events_due;
CREATE INDEX meta_events_due ON meta_events (bridge, next_attempt_at, room_id)
    WHERE next_attempt_at IS NOT NULL AND claimed_until IS NULL;
CREATE INDEX meta_events_claimed ON meta_events (bridge, room_id, claimed_until)
    WHERE claimed_until IS NOT NULL;
DROP INDEX meta_events_review;
CREATE INDEX meta_events_review ON meta_events (bridge, review_at) WHERE review_at IS NOT NULL;
CREATE INDEX media_references_waiting ON media_references (bridge, pending_at)
    WHERE state = 'pending' AND queued_in IS NULL;
DROP INDEX room_successors_check;
CREATE INDEX room_successors_check ON room_successors (bridge, check_at) WHERE check_at IS NOT NULL;

-- A meta event may have a copy of each of its media attached (MSC3911): which copy of each, made when.
-- The columns of meta_events that held the one copy are not used any more.
ALTER TABLE meta_event_members ADD COLUMN copy_mxc TEXT;
ALTER TABLE meta_event_members ADD COLUMN copied_at BIGINT;
UPDATE meta_event_members SET
    copy_mxc = (SELECT copy_mxc FROM meta_events WHERE id = meta_event_id),
    copied_at = (SELECT copied_at FROM meta_events WHERE id = meta_event_id);
