-- All that is held about one client, for the client to have (GDPR, articles 15 and 20).

-- Who may take it out: the client; the desk; a clinician in whose care the client is.
CREATE FUNCTION audit.may_export(of_subject integer) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(audit.own_client() = of_subject, false)
        OR audit.is_desk() OR audit.may_plan(of_subject);
END $$;

-- Everything but the readings, by class; null where the caller may not. Members by name. Of a home
-- where several live, what is about the home. The door's code only to the client.
CREATE FUNCTION audit.export_of(of_subject integer) RETURNS jsonb LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_home CONSTANT integer := (SELECT s.home FROM registry.subject s WHERE s.id = of_subject);
BEGIN
    IF NOT audit.may_export(of_subject) THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object(
    'client', (SELECT to_jsonb(c) - 'subject' || jsonb_build_object('pseudonym', s.pseudonym)
                 FROM registry.client c JOIN registry.subject s ON s.id = c.subject
                WHERE c.subject = of_subject),
    'home', (SELECT jsonb_build_object('address', h.address, 'municipality', a.name,
                    'latitude', h.latitude, 'longitude', h.longitude, 'access', h.access,
                    'hazards', h.hazards)
                 || CASE WHEN audit.own_client() = of_subject
                         THEN jsonb_build_object('door_code', h.door_code) ELSE '{}' END
               FROM registry.home h JOIN registry.area a ON a.id = h.area WHERE h.id = of_home),
    'limits', (SELECT coalesce(jsonb_agg(jsonb_build_object('metric', m.name, 'low', l.low,
                      'high', l.high, 'set_at', l.set_at) ORDER BY m.name), '[]')
                 FROM registry.client_limit l JOIN telemetry.metric m ON m.id = l.metric
                WHERE l.subject = of_subject),
    'care', (SELECT coalesce(jsonb_agg(jsonb_build_object('team', t.name, 'service', t.service,
                    'since', lower(r.during), 'until', upper(r.during)) ORDER BY r.during), '[]')
               FROM registry.care_relationship r JOIN registry.team t ON t.id = r.team
              WHERE r.subject = of_subject),
    'pauses', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', p.kind, 'since', p.since,
                      'until', p.until, 'set_by', m.display_name, 'set_at', p.set_at,
                      'ended_at', p.ended_at) ORDER BY p.id), '[]')
                 FROM registry.pause p JOIN registry.subject s ON s.id = p.subject
                 LEFT JOIN registry.member m ON m.id = p.set_by
                WHERE s.id = of_subject OR (s.kind = 'home' AND s.home = of_home)),
    'devices', (SELECT coalesce(jsonb_agg(jsonb_build_object('device', d.id, 'name', d.name,
                       'kind', d.kind, 'location', d.location, 'of_home', s.kind = 'home',
                       'since', lower(a.during), 'until', upper(a.during))
                       ORDER BY d.id, a.during), '[]')
                  FROM registry.assignment a JOIN registry.device d ON d.id = a.device
                  JOIN registry.subject s ON s.id = a.subject
                 WHERE s.id = of_subject OR (s.kind = 'home' AND s.home = of_home)),
    'alerts', (SELECT coalesce(jsonb_agg(to_jsonb(e) - ARRAY['subject', 'acknowledged_by',
                      'closed_by', 'inhibited', 'version'] || jsonb_build_object(
                      'acknowledged_by', taker.display_name, 'closed_by', closer.display_name,
                      'events', (SELECT jsonb_agg(jsonb_build_object('at', v.at, 'what', v.what,
                                        'member', m.display_name, 'detail', v.detail) ORDER BY v.id)
                                   FROM alerts.episode_event v
                                   LEFT JOIN registry.member m ON m.id = v.member
                                  WHERE v.episode = e.id),
                      'messages', (SELECT jsonb_agg(jsonb_build_object('what', o.what,
                                          'created_at', o.created_at, 'state', o.state,
                                          'to', m.display_name) ORDER BY o.id)
                                     FROM alerts.outbox o
                                     LEFT JOIN registry.member m ON m.id = o.member
                                    WHERE o.episode = e.id)) ORDER BY e.id), '[]')
                 FROM alerts.episode e
                 LEFT JOIN registry.member taker ON taker.id = e.acknowledged_by
                 LEFT JOIN registry.member closer ON closer.id = e.closed_by
                WHERE e.subject = of_subject),
    'alerts_of_home', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', e.kind,
                              'severity', e.highest, 'opened_at', e.opened_at,
                              'closed_at', e.closed_at, 'outcome', e.outcome) ORDER BY e.id), '[]')
                         FROM alerts.episode e JOIN registry.subject s ON s.id = e.subject
                        WHERE s.kind = 'home' AND s.home = of_home),
    'own_words', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', w.at, 'what', w.what,
                         'alert', w.episode, 'answer', w.answer, 'words', w.words,
                         'written_by', m.display_name) ORDER BY w.id), '[]')
                    FROM alerts.own_word w LEFT JOIN registry.member m ON m.id = w.member
                   WHERE w.subject = of_subject),
    'corrections', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', k.made_at, 'what', k.what,
                           'reason', k.reason, 'member', m.display_name, 'metric', t.name,
                           'device', r.device, 'measured_at', r.time,
                           'yours_before', r.subject_before = of_subject,
                           'yours_after', r.subject_after = of_subject)
                           ORDER BY k.id, r.time), '[]')
                      FROM telemetry.corrected_reading r
                      JOIN telemetry.correction k ON k.id = r.correction
                      JOIN telemetry.metric t ON t.id = r.metric
                      LEFT JOIN registry.member m ON m.id = k.member
                     WHERE of_subject IN (r.subject_before, r.subject_after)),
    'assessment', (SELECT jsonb_build_object('assessed_at', t.assessed_at, 'state', t.state)
                     FROM alerts.subject_state t WHERE t.subject = of_subject),
    'learned', (SELECT jsonb_build_object('looked_at', l.looked_at,
                       'signs', encode(l.signs, 'base64'), 'days', encode(l.days, 'base64'))
                  FROM alerts.learned l WHERE l.subject = of_subject),
    'looks', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', a.wall_at,
                     'member', m.display_name, 'unit', a.unit, 'what', a.what,
                     'purpose', a.purpose, 'detail', a.detail) ORDER BY a.id), '[]')
                FROM audit.access a LEFT JOIN registry.member m ON m.id = a.member
               WHERE a.subject = of_subject),
    'emergencies', (SELECT coalesce(jsonb_agg(jsonb_build_object('member', m.display_name,
                           'reason', b.reason, 'since', lower(b.during), 'until', upper(b.during))
                           ORDER BY b.id), '[]')
                      FROM registry.broken_glass b JOIN registry.member m ON m.id = b.member
                     WHERE b.subject = of_subject),
    'changes', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', c.wall_at,
                       'member', m.display_name, 'what', c.what, 'why', c.why, 'detail', c.detail)
                       ORDER BY c.id), '[]')
                  FROM audit.change c LEFT JOIN registry.member m ON m.id = c.member
                 WHERE c.subject = of_subject),
    'logins', (SELECT coalesce(jsonb_agg(jsonb_build_object('since', s.created_at,
                      'seen_at', s.seen_at, 'ended_at', s.ended_at) ORDER BY s.created_at), '[]')
                 FROM audit.client_session s WHERE s.subject = of_subject));
END $$;

-- Whose readings go with a client's: their own, and those of the home where nobody else lives.
CREATE FUNCTION audit.exported_subjects(of_subject integer) RETURNS integer[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(s.id)
      FROM registry.subject c
      JOIN registry.subject s ON s.id = c.id OR (s.kind = 'home' AND s.home = c.home
           AND NOT EXISTS (SELECT FROM registry.subject o
                            WHERE o.home = c.home AND o.kind = 'client' AND o.id <> c.id))
     WHERE c.id = of_subject
$$;

-- The client's readings, in the order of measuring; and the sums by day, which outlive them.
CREATE FUNCTION audit.exported_readings(of_subject integer)
RETURNS TABLE ("time" timestamptz, metric smallint, value double precision, qualifier smallint,
               state smallint, received_at timestamptz, kind text, place text, entered boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF audit.may_export(of_subject) THEN
        RETURN QUERY
        SELECT r.time, r.metric, r.value, r.qualifier, r.state, r.received_at, d.kind, d.location,
               r.entered_by IS NOT NULL
          FROM telemetry.reading r LEFT JOIN registry.device d ON d.id = r.device
         WHERE r.subject = ANY (audit.exported_subjects(of_subject))
         ORDER BY r.time, r.metric;
    END IF;
END $$;
CREATE FUNCTION audit.exported_days(of_subject integer)
RETURNS TABLE (bucket timestamptz, metric smallint, count bigint, suspect bigint,
               lowest double precision, highest double precision, mean double precision,
               kind text, place text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF audit.may_export(of_subject) THEN
        RETURN QUERY
        SELECT r.bucket, r.metric, r.count, r.suspect, r.min, r.max, r.mean, d.kind, d.location
          FROM telemetry.reading_daily r LEFT JOIN registry.device d ON d.id = r.device
         WHERE r.subject = ANY (audit.exported_subjects(of_subject))
         ORDER BY r.bucket, r.metric;
    END IF;
END $$;

-- On record as a look: by a member with their reason, or by the client.
CREATE FUNCTION audit.note_export(of_subject integer, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own CONSTANT boolean := coalesce(audit.own_client() = of_subject, false);
BEGIN
    IF NOT audit.may_export(of_subject) THEN
        RETURN false;
    END IF;
    INSERT INTO audit.access (wall_at, member, subject, what, detail, purpose)
    SELECT clock_timestamp(), CASE WHEN NOT own THEN (audit.members())[1] END, of_subject, 'export',
           CASE WHEN own THEN '{}' ELSE jsonb_build_object('why', trim(why)) END,
           CASE WHEN own THEN 'own' WHEN audit.is_desk() THEN 'desk' ELSE 'care' END;
    RETURN true;
END $$;

REVOKE EXECUTE ON FUNCTION audit.exported_subjects(integer), audit.may_export(integer),
    audit.export_of(integer),
    audit.exported_readings(integer), audit.exported_days(integer),
    audit.note_export(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.may_export(integer), audit.export_of(integer),
    audit.exported_readings(integer), audit.exported_days(integer),
    audit.note_export(integer, text) TO saimi_web;
