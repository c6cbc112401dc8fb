-- What transactions have changed, noted by triggers so that no statement is overlooked. Every replica reads
-- it, to forget what it has cached, and to wake its workers.

CREATE TABLE changes (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id XID8 NOT NULL DEFAULT pg_current_xact_id(),
    changed_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    links          BIGINT[] NOT NULL DEFAULT '{}',
    usages         BIGINT[] NOT NULL DEFAULT '{}', -- rows of media_references
    is_all         BOOLEAN NOT NULL DEFAULT FALSE, -- too many to list them
    concerns_cache BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX changes_of_transaction ON changes (transaction_id);
CREATE INDEX changes_age ON changes (changed_at);

CREATE FUNCTION note_changes(links BIGINT[], usages BIGINT[], concerns_cache BOOLEAN) RETURNS VOID
LANGUAGE plpgsql AS $$
DECLARE
    is_all BOOLEAN := cardinality(links) + cardinality(usages) > 10000;
BEGIN
    IF is_all THEN
        links := '{}';
        usages := '{}';
    END IF;
    INSERT INTO changes (links, usages, is_all, concerns_cache)
    VALUES (links, usages, is_all, concerns_cache);
    PERFORM pg_notify('medialink_changes', '');
END $$;

-- Counters change with every follow, and nobody reads them from a cached row.
CREATE FUNCTION note_changed_links() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    changed BIGINT[];
BEGIN
    SELECT array_agg(n.id) INTO changed FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE n.state <> o.state OR (n.follows, n.bytes_served) = (o.follows, o.bytes_served);
    IF changed IS NOT NULL THEN
        PERFORM note_changes(changed, '{}', FALSE);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER links_changed AFTER UPDATE ON links
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_links();

CREATE FUNCTION note_changed_usages() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    changed BIGINT[];
BEGIN
    SELECT array_agg(n.id) INTO changed FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE (n.state, n.counted_by, n.copy_mxc) IS DISTINCT FROM (o.state, o.counted_by, o.copy_mxc);
    IF changed IS NOT NULL THEN
        PERFORM note_changes('{}', changed, FALSE);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER usages_changed AFTER UPDATE ON media_references
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_usages();

CREATE FUNCTION note_purges() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_changes('{}', '{}', TRUE);
    RETURN NULL;
END $$;
CREATE TRIGGER purges_wished AFTER INSERT ON cache_purges
    FOR EACH STATEMENT EXECUTE FUNCTION note_purges();
