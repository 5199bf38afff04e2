-- Whose a device is: said at the desk, by coordinators, on record.

-- Set subject and state of a device's readings in a stretch of time; null leaves them as they are, but
-- a reading that was held is no longer in doubt once its owner is known. With `held_index` only
-- readings without an owner that the device gave this index. What was changed, by subject.
CREATE FUNCTION telemetry.correct_readings(
    of_correction bigint, of_device integer, metrics smallint[], since timestamptz,
    until timestamptz, held_index smallint, to_subject integer, to_state smallint)
RETURNS TABLE (before integer, after integer, readings integer, first timestamptz, last timestamptz)
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
WITH chosen AS (
    SELECT r.device, r.metric, r.time, r.subject, r.state,
           coalesce(to_subject, r.subject) AS subject_after,
           coalesce(to_state,
                    CASE WHEN r.subject = 0 AND r.state = 1 THEN h.state END,
                    r.state) AS state_after
      FROM telemetry.reading r
      LEFT JOIN telemetry.held h ON h.device = r.device AND h.metric = r.metric AND h.time = r.time
     WHERE r.device = of_device AND r.metric = ANY(metrics)
       AND r.time >= since AND r.time < until
       AND (held_index IS NULL
            OR (r.subject = 0 AND coalesce(h.user_index, 0) = held_index))),
changed AS (
    UPDATE telemetry.reading r
       SET subject = c.subject_after, state = c.state_after
      FROM chosen c
     WHERE r.device = c.device AND r.metric = c.metric AND r.time = c.time
       AND r.time >= since AND r.time < until
       AND (r.subject, r.state) IS DISTINCT FROM (c.subject_after, c.state_after)
    RETURNING c.*),
kept AS (
    INSERT INTO telemetry.corrected_reading
           (correction, device, metric, time, subject_before, subject_after, state_before,
            state_after)
    SELECT of_correction, device, metric, time, subject, subject_after, state, state_after
      FROM changed)
SELECT subject, subject_after, count(*)::int, min(time), max(time)
  FROM changed GROUP BY subject, subject_after
$$;

-- Make room for an owner in a stretch of time; what lies outside of it stays as it was.
CREATE FUNCTION registry.clear_assignments(of_device integer, of_index smallint, stretch tstzrange)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
WITH cut AS (
    DELETE FROM registry.assignment a
     WHERE a.device = of_device AND a.user_index = of_index AND a.during && stretch
    RETURNING a.device, a.user_index, a.subject, a.during)
INSERT INTO registry.assignment (device, user_index, subject, during)
SELECT device, user_index, subject, unnest(tstzmultirange(during) - tstzmultirange(stretch))
  FROM cut
$$;

-- What of a gateway's was rejected is to be tried again: asked here, done by ingest's upkeep.
CREATE TABLE telemetry.retry (
    gateway  text PRIMARY KEY,
    asked_at timestamptz NOT NULL             -- wall time
);

-- The digest by which a change says from which assignments it was made.
CREATE FUNCTION registry.assignments_digest(of_device integer) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT md5(coalesce(string_agg(concat_ws(' ', a.user_index, a.subject,
                                             extract(epoch FROM lower(a.during)),
                                             extract(epoch FROM upper(a.during))),
                                   ',' ORDER BY a.user_index, lower(a.during)), ''))
      FROM registry.assignment a WHERE a.device = of_device
$$;

-- Say whose a device is from a time on, what is stored of it since then included: done, again,
-- conflict or refused, as registry.change_plan. A device that several people use gives only what was
-- held under this index; any other all that it measured. The owner lives where the device stands.
CREATE FUNCTION registry.assign_device(act uuid, of_device integer, of_index smallint,
    to_subject integer, since timestamptz, was text, reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at CONSTANT timestamptz := ops.now();
    stands record;
    former jsonb;
    shared boolean;
    made bigint;
    moved record;
    total integer := 0;
BEGIN
    SELECT g.home, g.name INTO stands
      FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway
      JOIN registry.subject s ON s.home = g.home AND s.kind IN ('client', 'home')
     WHERE d.id = of_device AND d.id <> 0 AND s.id = to_subject;
    IF NOT FOUND OR NOT audit.is_desk() OR since > at OR of_index NOT BETWEEN 0 AND 32767 THEN
        RETURN 'refused';
    END IF;
    PERFORM pg_advisory_xact_lock(7241002), pg_advisory_xact_lock(7241003, of_device);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    ELSIF registry.assignments_digest(of_device) <> was THEN
        RETURN 'conflict';
    END IF;
    SELECT coalesce(jsonb_agg(jsonb_build_object('subject', a.subject, 'user_index', a.user_index,
                                                 'since', lower(a.during), 'until', upper(a.during))
                              ORDER BY lower(a.during)), '[]')
      INTO former
      FROM registry.assignment a
     WHERE a.device = of_device AND a.user_index = of_index
       AND a.during && tstzrange(assign_device.since, NULL);
    shared := of_index > 0 OR EXISTS (SELECT FROM registry.assignment a
                                       WHERE a.device = of_device AND a.user_index > 0);
    PERFORM registry.clear_assignments(of_device, of_index, tstzrange(since, NULL));
    INSERT INTO registry.assignment (device, user_index, subject, during)
    VALUES (of_device, of_index, to_subject, tstzrange(since, NULL));
    INSERT INTO telemetry.correction (made_at, wall_at, member, what, reason, former)
    VALUES (at, clock_timestamp(), (audit.members())[1], 'reassigned', trim(reason), former)
    RETURNING id INTO made;
    FOR moved IN SELECT * FROM telemetry.correct_readings(
        made, of_device, ARRAY(SELECT id FROM telemetry.metric), since, 'infinity',
        CASE WHEN shared THEN of_index END, to_subject, NULL)
    LOOP
        total := total + moved.readings;
        INSERT INTO telemetry.note (subject, since, until, noted_at)
        SELECT DISTINCT s, moved.first, moved.last, clock_timestamp()
          FROM unnest(ARRAY[moved.before, moved.after]) AS s;
        INSERT INTO telemetry.touched (touched_at, since, until, subject, device)
        SELECT DISTINCT clock_timestamp(), moved.first, moved.last, s, of_device
          FROM unnest(ARRAY[moved.before, moved.after]) AS s;
    END LOOP;
    PERFORM audit.note_change(act, 'assignment', to_subject,
        jsonb_build_object('device', of_device, 'user_index', of_index, 'since', since,
                           'correction', made, 'readings', total, 'former', former), reason);
    INSERT INTO telemetry.retry VALUES (stands.name, clock_timestamp())
    ON CONFLICT (gateway) DO UPDATE SET asked_at = excluded.asked_at;
    PERFORM pg_notify('saimi_registry', 'gateway ' || stands.name), pg_notify('saimi_note', '');
    RETURN 'done';
END $$;

-- From now on the device is nobody's under this index; what it measured stays whose it was.
CREATE FUNCTION registry.end_assignment(act uuid, of_device integer, of_index smallint, was text,
    reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at CONSTANT timestamptz := ops.now();
    owner integer;
BEGIN
    IF NOT audit.is_desk() THEN
        RETURN 'refused';
    END IF;
    PERFORM pg_advisory_xact_lock(7241002), pg_advisory_xact_lock(7241003, of_device);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    ELSIF registry.assignments_digest(of_device) <> was THEN
        RETURN 'conflict';
    END IF;
    SELECT a.subject INTO owner FROM registry.assignment a
     WHERE a.device = of_device AND a.user_index = of_index AND upper_inf(a.during);
    IF NOT FOUND THEN
        RETURN 'refused';
    END IF;
    PERFORM registry.clear_assignments(of_device, of_index, tstzrange(at, NULL));
    PERFORM audit.note_change(act, 'assignment', owner,
        jsonb_build_object('device', of_device, 'user_index', of_index, 'ended', at), reason);
    PERFORM pg_notify('saimi_registry', 'gateway ' || g.name)
       FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway WHERE d.id = of_device;
    RETURN 'done';
END $$;

-- A device that a gateway tells of and nobody has registered; its number, null where refused.
CREATE FUNCTION registry.add_device(act uuid, of_gateway integer, named text, of_kind text,
    stands text, reason text)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT audit.is_desk() OR of_gateway = 0
       OR NOT EXISTS (SELECT FROM registry.gateway g WHERE g.id = of_gateway) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(7241002);
    INSERT INTO registry.device (gateway, name, kind, location)
    VALUES (of_gateway, named, of_kind, stands) ON CONFLICT (gateway, name) DO NOTHING;
    IF FOUND THEN
        PERFORM audit.note_change(act, 'device', NULL,
            jsonb_build_object('gateway', of_gateway, 'name', named, 'kind', of_kind,
                               'location', stands), reason);
        PERFORM pg_notify('saimi_registry', 'gateway ' || g.name)
           FROM registry.gateway g WHERE g.id = of_gateway;
    END IF;
    RETURN (SELECT d.id FROM registry.device d WHERE d.gateway = of_gateway AND d.name = named);
END $$;

-- What waits for somebody to say whose it is: the desk's to see, nobody else's.
CREATE VIEW seen.held WITH (security_barrier) AS
SELECT h.device, h.metric, h.time, coalesce(h.user_index, 0::smallint) AS user_index
  FROM telemetry.held h
  JOIN telemetry.reading r ON r.device = h.device AND r.metric = h.metric AND r.time = h.time
 WHERE r.subject = 0 AND r.state <> 2 AND (SELECT audit.is_desk());

CREATE VIEW seen.rejected_of_device WITH (security_barrier) AS
SELECT g.id AS gateway, r.record ->> 'device' AS device, r.reason, r.record ->> 'metric' AS metric,
       r.received_at
  FROM telemetry.rejected r
  JOIN registry.gateway g ON g.name = r.gateway AND g.id <> 0
 WHERE r.reason IN ('unknown_device', 'not_assigned') AND r.record ? 'device'
   AND (SELECT audit.is_desk());

REVOKE EXECUTE ON FUNCTION
    telemetry.correct_readings(bigint, integer, smallint[], timestamptz, timestamptz, smallint,
                               integer, smallint),
    registry.clear_assignments(integer, smallint, tstzrange), registry.assignments_digest(integer),
    registry.assign_device(uuid, integer, smallint, integer, timestamptz, text, text),
    registry.end_assignment(uuid, integer, smallint, text, text),
    registry.add_device(uuid, integer, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry.assignments_digest(integer),
    registry.assign_device(uuid, integer, smallint, integer, timestamptz, text, text),
    registry.end_assignment(uuid, integer, smallint, text, text),
    registry.add_device(uuid, integer, text, text, text, text) TO saimi_web;
GRANT SELECT ON seen.held, seen.rejected_of_device TO saimi_web;
