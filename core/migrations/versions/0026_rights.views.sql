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

-- What a person enters about a client: their readings, and word to the engine and the aggregates. How
-- many are new; null where there is no such client, or no gateway in their home. The device is the
-- stand-in for the person's own senses: one for each client, in the home where they live now. It is
-- assigned to nobody, so what the wire sends under its name is nobody's.
CREATE FUNCTION telemetry.enter_readings(
    of_subject integer, by_member integer, at timestamptz, now timestamptz, wall timestamptz,
    metrics smallint[], vals float8[])
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_gateway integer;
    of_device integer;
    stored integer;
BEGIN
    IF session_user = 'saimi_web' AND NOT (by_member = ANY (audit.members())
                                           AND registry.may_see(by_member, of_subject, ops.now())) THEN
        RETURN NULL;
    END IF;
    SELECT g.id INTO of_gateway
      FROM registry.subject s JOIN registry.gateway g ON g.home = s.home
     WHERE s.id = of_subject AND s.kind = 'client'
     ORDER BY g.revoked_at IS NOT NULL, g.id
     LIMIT 1;
    IF of_gateway IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO registry.device (gateway, name, kind)
    VALUES (of_gateway, 'entered-' || of_subject, 'entered')
    ON CONFLICT (gateway, name) DO NOTHING;
    SELECT d.id INTO of_device FROM registry.device d
     WHERE d.gateway = of_gateway AND d.name = 'entered-' || of_subject;
    -- What is stored under the same key already stays as it is.
    INSERT INTO telemetry.reading (time, received_at, value, device, subject, metric, entered_by)
    SELECT at, now, e.value, of_device, of_subject, e.metric, by_member
      FROM unnest(metrics, vals) AS e(metric, value)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored > 0 THEN
        INSERT INTO telemetry.note (subject, since, until, noted_at)
        VALUES (of_subject, at, at, wall);
        INSERT INTO telemetry.touched (touched_at, since, until, subject, device)
        VALUES (wall, at, at, of_subject, of_device);
    END IF;
    RETURN stored;
END $$;

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
