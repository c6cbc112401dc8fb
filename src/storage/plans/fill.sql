INSERT INTO matrix_ids (id, matrix_id)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
SELECT 1 + i, CASE WHEN i < 1000 THEN '!room' ELSE '@user' END || (i % 1000) FROM n;
INSERT INTO media_references (id, bridge, room, mxc, content_token, state, pending_at, counted_by, queued_in)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT i, 'bridge' || (i % 3), 1 + i % 200, 'mxc://server/' || i, CASE WHEN i % 9 = 0 THEN 'token' || i ELSE '' END,
    CASE WHEN i % 100 = 0 THEN 'pending' WHEN i % 100 = 1 THEN 'failed' WHEN i % 2 = 0 THEN 'released' ELSE 'counted' END,
    CASE WHEN i % 100 = 0 THEN i END, CASE WHEN i % 100 > 1 AND i % 2 = 1 THEN 1 + i / 50 END, CASE WHEN i % 300 = 0 THEN 1 + i / 50 END
FROM n;
INSERT INTO links (id, link_id, form, key_id, bridge, media_reference_id, room, event_id, sender, issued_at, expires_at, state,
    ended_at, shown_by)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
SELECT i, 'link' || i, CASE WHEN i % 50 = 0 THEN 'legacy' ELSE 'short' END, 1 + i % 3, 'bridge' || (i % 3), 1 + i % 10000,
    1 + i % 200, CASE WHEN i % 30 = 7 THEN '' ELSE '$event' || i END, 1001 + i % 1000, i, i + 30000,
    CASE WHEN i % 2 = 0 THEN 'live' WHEN i % 20 = 1 THEN 'revoked' ELSE 'expired' END, CASE WHEN i % 2 = 1 THEN i END,
    CASE WHEN i % 10 = 4 THEN '$edit' || i ELSE '' END
FROM n;
INSERT INTO meta_events (id, bridge, room_id, state, event_type, batch, txn_id, device_id, event_id, created_at,
    next_attempt_at, review_at, redacted_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
SELECT i, 'bridge' || (i % 3), '!room' || (i % 200),
    CASE WHEN i % 100 = 0 THEN 'waiting' WHEN i % 3 = 0 THEN 'redacted' ELSE 'sent' END, 'type', 'batch' || i,
    'txn' || i, '', '$meta' || i, i, CASE WHEN i % 100 = 0 THEN i END, CASE WHEN i % 100 = 1 THEN i END,
    CASE WHEN i % 3 = 0 AND i % 100 > 0 THEN i END
FROM n;
INSERT INTO meta_event_bodies (id, batch, content) SELECT id, batch, '{}' FROM meta_events WHERE state = 'waiting';
INSERT INTO meta_event_members (meta_event_id, media_reference_id) SELECT 1 + id / 2, id FROM media_references WHERE id < 9000;
INSERT INTO appservice_transactions (bridge, txn_id, received_at)
SELECT bridge, link_id, issued_at FROM links;
INSERT INTO redacted_events (event_hash, redacted_at)
SELECT CAST(link_id AS BYTES), issued_at FROM links;
INSERT INTO dropped_media (media_hash, dropped_at)
SELECT CAST(link_id AS BYTES), issued_at FROM links;
INSERT INTO revocations (bridge, room_id, event_id, mxc, issued_before_at, revoked_at)
SELECT bridge, CASE WHEN id % 2 = 0 THEN '!room' || room END, CASE WHEN id % 3 = 0 THEN event_id END,
    CASE WHEN id % 5 = 0 THEN 'mxc://server/' || media_reference_id END, CASE WHEN id % 7 = 0 THEN issued_at END, issued_at
FROM links;
INSERT INTO touches (mxc, next_touch_at, waits_for_follow)
SELECT mxc, MAX(id), MAX(id % 2) FROM media_references GROUP BY mxc;
INSERT INTO cache_purges (media_reference_id, purge_at) SELECT id, id FROM media_references WHERE id % 20 = 0;
INSERT INTO tombstones (first, ended) SELECT id * 1000, CAST('' AS BYTES) FROM links WHERE id % 10 = 0;
INSERT INTO purge_log (names) SELECT CAST(link_id AS BYTES) FROM links;
INSERT INTO front_purges (media_reference_id, ended_since, next_attempt_at) SELECT id, id, id FROM media_references WHERE id % 20 = 0;
INSERT INTO seen_media (bridge, mxc, room_id, event_id, shown_by, content_token, seen_at, gone_at)
SELECT bridge, 'mxc://server/' || media_reference_id, '!room' || room, '$event' || id, '$event' || id, '', issued_at,
    CASE WHEN id % 3 = 0 THEN id END
FROM links;
INSERT INTO open_questions (bridge, room_id, kind, event_id, noted_at)
SELECT bridge, '!room' || room, 'redaction', event_id, issued_at FROM links WHERE id % 4 = 0;
INSERT INTO missing_media (bridge, mxc, content_token, copy_mxc, missing_since, ask_at)
SELECT bridge, mxc, '', '', 1, id FROM media_references;
INSERT INTO own_uploads (mxc, bridge, next_attempt_at) SELECT mxc, bridge, id FROM media_references;
INSERT INTO compared_rooms (bridge, room_id, compared_at) SELECT DISTINCT bridge, '!room' || room, 1 FROM links;
INSERT INTO reports (link_id, reporter, bridge, room_id, mxc, reason, created_at)
SELECT link_id, link_id, bridge, '!r', 'mxc://a/b', 'spam', id FROM links;
INSERT INTO report_deliveries (report_id, target, txn_id, next_attempt_at, outcome)
SELECT id, 'homeserver', '', CASE WHEN id % 10 = 0 THEN id END, 'waiting' FROM reports;
INSERT INTO audit (done_at, actor, deed, subject) SELECT id, 'console:token', 'keys rotate', 'x' FROM links;
INSERT INTO console_sessions (digest, expires_at) SELECT CAST(link_id AS BYTES), id FROM links;
INSERT INTO screened_media (name, sha256, screened_at) SELECT CAST(link_id AS BYTES), CAST('' AS BYTES), id FROM links;
INSERT INTO budgets (digest, free_at, changed_at) SELECT 'budget' || id, id, id FROM links
