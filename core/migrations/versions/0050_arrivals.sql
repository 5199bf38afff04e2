-- Messages of the home's gateway by day, as far as it numbers them (telemetry.completeness), for
-- whoever may see the client. A function, since a condition on the client would not reach the view's
-- parts.
CREATE FUNCTION seen.arrivals(of_subject integer)
RETURNS TABLE (day date, expected bigint, received bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_gateway integer;
BEGIN
    IF NOT (audit.is_desk() OR coalesce(audit.gathered() @> of_subject, audit.sees(of_subject))) THEN
        RETURN;
    END IF;
    FOR of_gateway IN
        SELECT g.id
          FROM registry.subject s
          JOIN registry.gateway g ON g.home = s.home
         WHERE s.id = of_subject
    LOOP
        RETURN QUERY
        SELECT c.day, sum(c.expected)::bigint, sum(c.received)::bigint
          FROM telemetry.completeness c
         WHERE c.gateway = of_gateway AND c.day IS NOT NULL
         GROUP BY c.day;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION seen.arrivals(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seen.arrivals(integer) TO saimi_web;
