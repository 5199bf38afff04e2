-- For how long a class of record must be kept, counted from the end of a client's care; of the log
-- from its newest row. The county's archive plan decides: these are changed by the owner alone.
CREATE TABLE registry.retention (
    class  text PRIMARY KEY CHECK (class IN ('record', 'log', 'readings', 'derived', 'contact')),
    keep   interval NOT NULL CHECK (keep >= interval '0'),
    source text NOT NULL                     -- where the duty comes from
);
INSERT INTO registry.retention VALUES
    ('record', '12 years', 'patient documents; to be confirmed by the county''s archive plan'),
    ('log', '12 years', 'log of use; to be confirmed by the county''s archive plan'),
    ('readings', '1 year', 'Saimi''s own: what an alert rests on is copied into the alert'),
    ('derived', '0', 'what the engine and the models remember: no duty'),
    ('contact', '0', 'next of kin, phone, door code: of no use after the care: no duty');

-- Whose data is kept until further notice: a complaint, an inquiry, a matter in court.
CREATE TABLE registry.hold (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject  integer NOT NULL REFERENCES registry.client,
    reason   text NOT NULL CHECK (length(trim(reason)) BETWEEN 3 AND 1000),
    set_by   integer NOT NULL REFERENCES registry.member,
    set_at   timestamptz NOT NULL,
    ended_by integer REFERENCES registry.member,
    ended_at timestamptz,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX one_hold ON registry.hold (subject) WHERE ended_at IS NULL;

-- What only grows refuses to be changed to everybody, the owner included. It lets go of a row only in
-- the transaction in which audit.erase has found that no duty stands, while that function works.
CREATE UNLOGGED TABLE audit.erasing (xid xid8 PRIMARY KEY, pid integer NOT NULL);
CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM audit.erasing e
                                     WHERE e.xid = pg_current_xact_id_if_assigned()
                                       AND e.pid = pg_backend_pid()) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_RELID::regclass;
END $$;

-- When a client's care ended: infinity while there is any, or an alert is open.
CREATE FUNCTION registry.care_ended(of_subject integer) RETURNS timestamptz LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM alerts.episode e
                              WHERE e.subject = of_subject AND e.closed_at IS NULL) THEN 'infinity'
           ELSE coalesce((SELECT max(coalesce(upper(r.during), 'infinity'))
                            FROM registry.care_relationship r WHERE r.subject = of_subject),
                         (SELECT max(e.changed_at) FROM alerts.episode e
                           WHERE e.subject = of_subject), '-infinity') END
$$;

-- Until when a class must be kept. The record goes with the log, which tells of looks at it; a name
-- on a list and a look at how long this is kept do not prolong it, or it would never be over.
CREATE FUNCTION registry.duty_until(of_subject integer, of_class text) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT max(CASE r.class
                 WHEN 'log' THEN greatest(registry.care_ended(of_subject),
                     (SELECT max(a.wall_at) FROM audit.access a
                       WHERE a.subject = of_subject AND a.what NOT IN ('list', 'retention')))
                 ELSE registry.care_ended(of_subject) END + r.keep)
      FROM registry.retention r
     WHERE r.class = of_class OR (of_class = 'record' AND r.class <> 'contact')
$$;

-- Hold a client's data, or let it go again: the desk; done, again, or refused.
CREATE FUNCTION registry.set_hold(act uuid, of_subject integer, holding boolean, why text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT audit.is_desk() OR cardinality(audit.members()) <> 1
       OR NOT EXISTS (SELECT FROM registry.client c WHERE c.subject = of_subject) THEN
        RETURN 'refused';
    END IF;
    PERFORM pg_advisory_xact_lock(7241006);
    IF NOT audit.note_change(act, 'hold', of_subject, jsonb_build_object('held', holding), why) THEN
        RETURN 'again';
    END IF;
    IF holding THEN
        INSERT INTO registry.hold (subject, reason, set_by, set_at)
        VALUES (of_subject, why, (audit.members())[1], ops.now()) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE registry.hold h SET ended_by = (audit.members())[1], ended_at = ops.now()
         WHERE h.subject = of_subject AND h.ended_at IS NULL;
    END IF;
    RETURN 'done';
END $$;

-- Erase a class of a client's data, or with 'record' all of it: done, again; refused (not the desk),
-- held, duty (it must be kept still). Who did it, when, why and how much stays, under a pseudonym
-- that from then on is nobody's.
CREATE FUNCTION audit.erase(act uuid, of_subject integer, of_class text, why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    whole CONSTANT boolean := of_class = 'record';
    about CONSTANT integer[] := audit.exported_subjects(of_subject);  -- and the home of one who lives alone
    episodes bigint[];
    of_home integer;
    pseudonym text;
    counts jsonb := '{}';
    n bigint;
BEGIN
    IF NOT audit.is_desk() OR cardinality(audit.members()) <> 1
       OR of_class NOT IN ('record', 'readings', 'derived', 'contact') THEN
        RETURN 'refused';
    END IF;
    PERFORM pg_advisory_xact_lock(7241002), pg_advisory_xact_lock(7241006);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    END IF;
    SELECT s.pseudonym, s.home INTO pseudonym, of_home
      FROM registry.client c JOIN registry.subject s ON s.id = c.subject
     WHERE c.subject = of_subject FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'refused';
    ELSIF EXISTS (SELECT FROM registry.hold h WHERE h.subject = of_subject AND h.ended_at IS NULL) THEN
        RETURN 'held';
    ELSIF registry.duty_until(of_subject, of_class) > ops.now() THEN
        RETURN 'duty';
    END IF;
    INSERT INTO audit.erasing VALUES (pg_current_xact_id(), pg_backend_pid());
    -- From now on nothing new is measured on them.
    UPDATE registry.assignment a SET during = tstzrange(lower(a.during), ops.now())
     WHERE a.subject = of_subject AND upper_inf(a.during) AND lower(a.during) < ops.now();
    IF whole OR of_class = 'contact' THEN
        UPDATE registry.client c SET phone = '', record = c.record - 'contacts' - 'remote_visit'
         WHERE c.subject = of_subject;
        UPDATE registry.home h SET door_code = '', access = '' WHERE h.id = of_home
           AND cardinality(about) > 1;
    END IF;
    IF whole OR of_class = 'derived' THEN
        DELETE FROM alerts.learned l WHERE l.subject = ANY (about);
        DELETE FROM alerts.subject_state t WHERE t.subject = ANY (about);
    END IF;
    IF whole OR of_class = 'readings' THEN
        DELETE FROM telemetry.held h USING telemetry.reading r
         WHERE r.subject = ANY (about) AND h.device = r.device AND h.metric = r.metric
           AND h.time = r.time;
        DELETE FROM telemetry.reading r WHERE r.subject = ANY (about);
        GET DIAGNOSTICS n = ROW_COUNT;
        counts := counts || jsonb_build_object('readings', n);
        DELETE FROM telemetry.note t WHERE t.subject = ANY (about);
        -- Sums are tables, or made by the database of the readings, which then are told to be anew.
        IF (SELECT c.relkind FROM pg_class c
             WHERE c.oid = 'telemetry.reading_daily'::regclass) = 'r' THEN
            DELETE FROM telemetry.reading_hourly r WHERE r.subject = ANY (about);
            DELETE FROM telemetry.reading_daily r WHERE r.subject = ANY (about);
        ELSE
            INSERT INTO telemetry.touched (touched_at, since, until, subject, device)
            SELECT clock_timestamp(), min(d.bucket), max(d.bucket) + interval '1 day', d.subject,
                   d.device
              FROM telemetry.reading_daily d WHERE d.subject = ANY (about)
             GROUP BY d.subject, d.device;
        END IF;
    END IF;
    IF whole THEN
        episodes := ARRAY(SELECT e.id FROM alerts.episode e WHERE e.subject = ANY (about));
        DELETE FROM alerts.delivery d USING alerts.outbox o
         WHERE o.episode = ANY (episodes) AND d.outbox = o.id;
        DELETE FROM alerts.outbox o WHERE o.episode = ANY (episodes);
        DELETE FROM alerts.timer t WHERE t.episode = ANY (episodes);
        DELETE FROM alerts.alone t WHERE t.episode = ANY (episodes);
        DELETE FROM alerts.own_word w WHERE w.subject = of_subject OR w.episode = ANY (episodes);
        DELETE FROM alerts.episode_event v WHERE v.episode = ANY (episodes);
        DELETE FROM alerts.episode e WHERE e.id = ANY (episodes);
        GET DIAGNOSTICS n = ROW_COUNT;
        counts := counts || jsonb_build_object('alerts', n);
        DELETE FROM telemetry.corrected_reading r
         WHERE r.subject_before = ANY (about) OR r.subject_after = ANY (about);
        DELETE FROM telemetry.correction k
         WHERE NOT EXISTS (SELECT FROM telemetry.corrected_reading r WHERE r.correction = k.id)
           AND (k.former @> jsonb_build_array(jsonb_build_object('subject', of_subject))
                OR k.id IN (SELECT (c.detail ->> 'correction')::bigint FROM audit.change c
                             WHERE c.subject = of_subject));
        DELETE FROM audit.access a WHERE a.subject = ANY (about);
        GET DIAGNOSTICS n = ROW_COUNT;
        counts := counts || jsonb_build_object('looks', n);
        DELETE FROM audit.change c WHERE c.subject = ANY (about);
        DELETE FROM audit.client_session s WHERE s.subject = of_subject;
        DELETE FROM audit.client_code k WHERE k.subject = of_subject;
        DELETE FROM registry.broken_glass b WHERE b.subject = of_subject;
        DELETE FROM registry.hold h WHERE h.subject = of_subject;
        DELETE FROM registry.pause p WHERE p.subject = ANY (about);
        DELETE FROM registry.client_limit l WHERE l.subject = of_subject;
        DELETE FROM registry.care_relationship r WHERE r.subject = of_subject;
        DELETE FROM registry.assignment a WHERE a.subject = of_subject;
        DELETE FROM registry.device d
         WHERE d.name IN ('entered-' || of_subject, 'own-' || of_subject);
        DELETE FROM registry.client c WHERE c.subject = of_subject;
        DELETE FROM registry.subject s WHERE s.id = of_subject;
        UPDATE registry.home h SET address = '', latitude = NULL, longitude = NULL, hazards = '{}'
         WHERE h.id = of_home AND cardinality(about) > 1;
    END IF;
    DELETE FROM audit.erasing e WHERE e.xid = pg_current_xact_id();
    PERFORM audit.note_change(act, 'erasure', CASE WHEN NOT whole THEN of_subject END,
        jsonb_build_object('class', of_class, 'pseudonym', pseudonym, 'erased', counts), why);
    PERFORM pg_notify('saimi_registry', ''), pg_notify('saimi_episode', 'rights');
    RETURN 'done';
END $$;

-- What stands, for the desk: a row for each class of a client's.
CREATE FUNCTION seen.retention_of(of_subject integer)
RETURNS TABLE (class text, duty_until timestamptz, source text) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT r.class, registry.duty_until(of_subject, r.class), r.source
      FROM registry.retention r
     WHERE r.class <> 'log' AND audit.is_desk()
     ORDER BY r.keep, r.class;
END $$;

-- Clients whose care has ended, or whose data is held; the longest ended first. `held`: why.
CREATE FUNCTION seen.past_clients(most integer)
RETURNS TABLE (subject integer, ended timestamptz, held text, held_by text, held_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT c.subject, e.ended, h.reason, m.display_name, h.set_at
      FROM registry.client c
     CROSS JOIN LATERAL (SELECT registry.care_ended(c.subject) AS ended) e
      LEFT JOIN registry.hold h ON h.subject = c.subject AND h.ended_at IS NULL
      LEFT JOIN registry.member m ON m.id = h.set_by
     WHERE audit.is_desk() AND (e.ended < ops.now() OR h.id IS NOT NULL)
     ORDER BY e.ended, c.subject LIMIT most;
END $$;

-- A client's hold and the end of their care, for the desk.
CREATE FUNCTION seen.hold_of(of_subject integer)
RETURNS TABLE (ended timestamptz, held text, held_by text, held_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT registry.care_ended(c.subject), h.reason, m.display_name, h.set_at
      FROM registry.client c
      LEFT JOIN registry.hold h ON h.subject = c.subject AND h.ended_at IS NULL
      LEFT JOIN registry.member m ON m.id = h.set_by
     WHERE c.subject = of_subject AND audit.is_desk();
END $$;

REVOKE EXECUTE ON FUNCTION registry.care_ended(integer), registry.duty_until(integer, text),
    registry.set_hold(uuid, integer, boolean, text), audit.erase(uuid, integer, text, text),
    seen.retention_of(integer), seen.past_clients(integer), seen.hold_of(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry.set_hold(uuid, integer, boolean, text),
    audit.erase(uuid, integer, text, text), seen.retention_of(integer),
    seen.past_clients(integer), seen.hold_of(integer) TO saimi_web;
