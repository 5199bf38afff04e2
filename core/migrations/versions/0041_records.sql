-- To which record what people do belongs: the patient record, or the client record of social care. One
-- case may hold entries of both; each is labelled by the service for which its author acted.

-- The county decides; a service that is not named is health care.
CREATE TABLE registry.service_record (
    service text PRIMARY KEY,
    record  text NOT NULL CHECK (record IN ('health', 'social'))
);
INSERT INTO registry.service_record VALUES ('social_work', 'social');

-- For which team a member acts now who does something about a subject: one that cares for the client
-- before others of theirs; the desk, which acts for none, for the team that cares for the client.
CREATE FUNCTION registry.acting_team(of_member integer, about integer) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.id
      FROM registry.team t
      LEFT JOIN (SELECT DISTINCT a.team FROM registry.acting a
                  WHERE a.member = of_member AND a.during @> ops.now()) mine ON mine.team = t.id
      LEFT JOIN (SELECT DISTINCT r.team
                   FROM registry.subject s
                   JOIN registry.subject c
                     ON c.id = s.id OR (s.kind = 'home' AND c.home = s.home AND c.kind = 'client')
                   JOIN registry.care_relationship r ON r.subject = c.id AND r.during @> ops.now()
                  WHERE s.id = about) caring ON caring.team = t.id
     WHERE mine.team IS NOT NULL OR caring.team IS NOT NULL
     ORDER BY mine.team IS NULL, caring.team IS NULL, t.name LIMIT 1
$$;
CREATE FUNCTION registry.record_for(of_member integer, about integer) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT r.record FROM registry.team t
                       JOIN registry.service_record r ON r.service = t.service
                      WHERE t.id = registry.acting_team(of_member, about)), 'health')
$$;

-- Null: what Saimi itself noted, and what is older than the labels.
ALTER TABLE alerts.episode_event ADD COLUMN record text CHECK (record IN ('health', 'social'));
CREATE FUNCTION alerts.label_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.record := registry.record_for(NEW.member,
        (SELECT e.subject FROM alerts.episode e WHERE e.id = NEW.episode));
    RETURN NEW;
END $$;
-- Who was called has written nothing.
CREATE TRIGGER label BEFORE INSERT ON alerts.episode_event FOR EACH ROW
    WHEN (NEW.member IS NOT NULL AND NEW.what NOT IN ('called', 'lapsed', 'alone_overdue'))
    EXECUTE FUNCTION alerts.label_event();

-- A look is at the record of the unit for which it was made.
ALTER TABLE audit.access ADD COLUMN record text CHECK (record IN ('health', 'social'));
CREATE FUNCTION audit.label_look() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.record := registry.record_for(NEW.member, NEW.subject);
    RETURN NEW;
END $$;
CREATE TRIGGER label BEFORE INSERT ON audit.access FOR EACH ROW WHEN (NEW.member IS NOT NULL)
    EXECUTE FUNCTION audit.label_look();

CREATE OR REPLACE VIEW seen.own_look WITH (security_barrier) AS
SELECT a.id, a.wall_at, a.member, m.display_name AS name, a.unit, a.what, a.purpose,
       CASE WHEN a.purpose = 'break_glass' THEN a.detail ->> 'reason' END AS reason, a.record
  FROM audit.access a LEFT JOIN registry.member m ON m.id = a.member
 WHERE a.subject = (SELECT audit.own_client());

REVOKE EXECUTE ON FUNCTION registry.acting_team(integer, integer),
    registry.record_for(integer, integer) FROM PUBLIC;

-- As before (0038), with the labels.
CREATE OR REPLACE FUNCTION audit.export_of(of_subject integer) RETURNS jsonb LANGUAGE plpgsql STABLE
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
                                        'member', m.display_name, 'record', v.record,
                                        'detail', v.detail) ORDER BY v.id)
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
                     'purpose', a.purpose, 'record', a.record, 'detail', a.detail)
                     ORDER BY a.id), '[]')
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
