-- Whether the client is in the caller's care now. To see a client is not enough: the desk, who was
-- called about one alert, and who broke the glass do.
CREATE FUNCTION audit.cares_for(of_subject integer) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at CONSTANT timestamptz := ops.now();
BEGIN
    RETURN EXISTS (SELECT FROM registry.caring c
                    WHERE c.member = ANY (audit.members()) AND c.subject = of_subject
                      AND c.acting @> at AND c.during @> at);
END $$;
REVOKE EXECUTE ON FUNCTION audit.cares_for(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.cares_for(integer) TO saimi_web;
