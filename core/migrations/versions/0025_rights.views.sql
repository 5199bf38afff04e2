-- Readings and aggregates of those whom the caller may see. Not by row-level security: columnstore
-- and continuous aggregates refuse it. Whether a subject may be seen is asked once for each, not
-- for each of its readings.
CREATE VIEW seen.reading WITH (security_barrier) AS
SELECT r.*
  FROM registry.subject s
  JOIN telemetry.reading r ON r.subject = s.id
 WHERE (SELECT audit.is_desk())
    OR coalesce((SELECT audit.gathered()) @> s.id, audit.sees(s.id));

CREATE VIEW seen.reading_hourly WITH (security_barrier) AS
SELECT r.*
  FROM registry.subject s
  JOIN telemetry.reading_hourly r ON r.subject = s.id
 WHERE (SELECT audit.is_desk())
    OR coalesce((SELECT audit.gathered()) @> s.id, audit.sees(s.id));

CREATE VIEW seen.reading_daily WITH (security_barrier) AS
SELECT r.*
  FROM registry.subject s
  JOIN telemetry.reading_daily r ON r.subject = s.id
 WHERE (SELECT audit.is_desk())
    OR coalesce((SELECT audit.gathered()) @> s.id, audit.sees(s.id));

-- Figures about the whole system, for whoever scrapes a service; about nobody.
CREATE VIEW ops.queues AS
SELECT (SELECT count(*) FROM telemetry.note) AS notes,
       (SELECT min(noted_at) FROM telemetry.note) AS oldest_note,
       (SELECT min(touched_at) FROM telemetry.touched) AS oldest_touched;
CREATE VIEW ops.completeness AS
SELECT count(*) FILTER (WHERE percent IS NOT NULL) AS provable,
       count(*) FILTER (WHERE percent IS NULL) AS unprovable,
       coalesce(sum(expected), 0)::float8 AS expected, coalesce(sum(missing), 0)::float8 AS missing
  FROM telemetry.completeness_of_gateway;

-- A browser is one person's: whoever else had it is not reached by it any more. Who knows its
-- address has it.
CREATE FUNCTION registry.end_browser_of_others(endpoint text, new_owner integer, wall timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE registry.member_channel c
       SET disabled_at = wall, disabled_reason = 'another member has this browser now'
     WHERE c.kind = 'webpush' AND c.disabled_at IS NULL AND c.member IS DISTINCT FROM new_owner
       AND CASE WHEN c.kind = 'webpush' THEN c.address::jsonb ->> 'endpoint' END
           = end_browser_of_others.endpoint;
END $$;

-- The device says that it has the message of this key, or that it was opened; the episode, where
-- that is news. The key is the right to say so.
CREATE FUNCTION alerts.confirm(of_key uuid, opened boolean, wall timestamptz)
RETURNS TABLE (episode bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    UPDATE alerts.outbox o
       SET delivered_at = coalesce(o.delivered_at, wall),
           seen_at = CASE WHEN opened THEN coalesce(o.seen_at, wall) ELSE o.seen_at END,
           state = CASE WHEN o.state IN ('waiting', 'sent') THEN 'delivered' ELSE o.state END,
           ended_at = coalesce(o.ended_at, wall)
     WHERE o.key = of_key AND o.attempts > 0
       AND (o.delivered_at IS NULL OR (opened AND o.seen_at IS NULL))
    RETURNING o.episode;
END $$;
