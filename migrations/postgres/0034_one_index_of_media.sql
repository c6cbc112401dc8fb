-- One index of usages in the place of two. It begins with a number that is made of the mxc URI, by which the usages of
-- a medium are found, and goes on with one of all else that keeps two usages apart.
CREATE FUNCTION number_of(name TEXT) RETURNS BIGINT LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
    RETURN ('x' || left(md5(name), 16))::BIT(64)::BIGINT;

DROP INDEX media_references_of_mxc;
DROP INDEX media_references_identity;
CREATE UNIQUE INDEX media_references_identity ON media_references
    (number_of(mxc), number_of(bridge || ' ' || content_token || ' ' || room::text));
ANALYZE media_references;
