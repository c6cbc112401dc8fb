INSERT INTO media_references (id, bridge, room_id, mxc, content_token, state, pending_at, counted_by, queued_in)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT i, 'bridge' || (i % 3), '!room' || (i % 200), 'mxc://server/' || i, CASE WHEN i % 9 = 0 THEN 'token' || i ELSE '' END,
    CASE WHEN i % 100 = 0 THEN 'pending' WHEN i % 100 = 1 THEN 'failed' WHEN i % 2 = 0 THEN 'released' ELSE 'counted' END,
    CASE WHEN i % 100 = 0 THEN i END, CASE WHEN i % 100 > 1 AND i % 2 = 1 THEN 1 + i / 50 END, CASE WHEN i % 300 = 0 THEN 1 + i / 50 END
FROM n;
INSERT INTO links (id, link_id, form, key_id, bridge, media_reference_id, room_id, event_id, sender, mxc, content_token,
    issued_at, expires_at, state, ended_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
SELECT i, 'link' || i, CASE WHEN i % 50 = 0 THEN 'legacy' ELSE 'short' END, 1 + i % 3, 'bridge' || (i % 3), 1 + i % 10000,
    '!room' || (i % 200), '$event' || i, '@user' || (i % 1000), 'mxc://server/' || (1 + i % 10000),
    CASE WHEN i % 200 = 9 THEN 'token' ELSE '' END, i, i + 30000,
    CASE WHEN i % 2 = 0 THEN 'live' WHEN i % 20 = 1 THEN 'revoked' ELSE 'expired' END, CASE WHEN i % 2 = 1 THEN i END
FROM n;
INSERT INTO meta_events (id, bridge, room_id, state, event_type, content, batch, txn_id, device_id, event_id, created_at,
    next_attempt_at, review_at, redacted_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
SELECT i, 'bridge' || (i % 3), '!room' || (i % 200),
    CASE WHEN i % 100 = 0 THEN 'waiting' WHEN i % 3 = 0 THEN 'redacted' ELSE 'sent' END, 'type', CASE WHEN i % 3 = 0 THEN '' ELSE '{}' END, 'batch' || i,
    'txn' || i, '', '$meta' || i, i, CASE WHEN i % 100 = 0 THEN i END, CASE WHEN i % 100 = 1 THEN i END,
    CASE WHEN i % 3 = 0 AND i % 100 > 0 THEN i END
FROM n;
INSERT INTO meta_event_members (meta_event_id, media_reference_id) SELECT 1 + id / 2, id FROM media_references WHERE id < 9000;
INSERT INTO appservice_transactions (bridge, txn_id, received_at)
SELECT bridge, link_id, issued_at FROM links;
INSERT INTO redacted_events (event_hash, redacted_at)
SELECT CAST(link_id AS BYTES), issued_at FROM links;
INSERT INTO dropped_media (media_hash, dropped_at)
SELECT CAST(link_id AS BYTES), issued_at FROM links;
INSERT INTO revocations (bridge, room_id, event_id, mxc, issued_before_at, revoked_at)
SELECT bridge, CASE WHEN id % 2 = 0 THEN room_id END, CASE WHEN id % 3 = 0 THEN event_id END, CASE WHEN id % 5 = 0 THEN mxc END,
    CASE WHEN id % 7 = 0 THEN issued_at END, issued_at FROM links;
INSERT INTO touches (mxc, next_touch_at, waits_for_follow)
SELECT DISTINCT mxc, MAX(issued_at), MAX(media_reference_id % 2) FROM links GROUP BY mxc;
INSERT INTO cache_purges (media_reference_id, purge_at) SELECT id, id FROM media_references WHERE id % 20 = 0;
INSERT INTO seen_media (bridge, mxc, room_id, event_id, shown_by, content_token, seen_at, gone_at)
SELECT bridge, mxc, room_id, event_id, event_id, '', issued_at, CASE WHEN id % 3 = 0 THEN id END FROM links;
INSERT INTO open_questions (bridge, room_id, kind, event_id, noted_at)
SELECT bridge, room_id, 'redaction', event_id, issued_at FROM links WHERE id % 4 = 0;
INSERT INTO missing_media (bridge, mxc, content_token, copy_mxc, missing_since, ask_at)
SELECT bridge, mxc, '', '', 1, id FROM media_references;
INSERT INTO own_uploads (mxc, bridge, next_attempt_at) SELECT mxc, bridge, id FROM media_references;
INSERT INTO compared_rooms (bridge, room_id, compared_at) SELECT DISTINCT bridge, room_id, 1 FROM links
