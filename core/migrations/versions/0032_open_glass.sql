-- Until when the caller sees this client only because they broke the glass; null: they would see the
-- client anyhow, or do not.
CREATE FUNCTION audit.open_glass(subject_id integer) RETURNS timestamptz LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine CONSTANT integer[] := audit.members();
    at CONSTANT timestamptz := ops.now();
BEGIN
    RETURN (SELECT max(upper(b.during)) FROM registry.broken_glass b
             WHERE b.member = ANY (mine) AND b.subject = subject_id AND b.during @> at
               AND NOT EXISTS (SELECT FROM registry.caring c
                                WHERE c.member = b.member AND c.subject = subject_id
                                  AND c.acting @> at AND c.during @> at));
END $$;
REVOKE EXECUTE ON FUNCTION audit.open_glass(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.open_glass(integer) TO saimi_web;
