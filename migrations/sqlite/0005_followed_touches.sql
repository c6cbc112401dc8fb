-- Media of other servers is touched only for a follow that was answered from the cache: 1 means
-- that there has been none since the last touch or download.
ALTER TABLE touches ADD COLUMN waits_for_follow BIGINT NOT NULL DEFAULT 0;
