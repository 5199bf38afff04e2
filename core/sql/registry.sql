-- Importing a registry document. It is copied into temporary tables, then taken over set by set;
-- every statement may be run again with the same document and then changes nothing.

-- name: lock_registry()!
-- Imports run one after the other; whoever reads the registry is not held up.
SELECT pg_advisory_xact_lock(7241002);

-- name: create_import_tables#
CREATE TEMP TABLE import_area (code text, name text, latitude float8, longitude float8)
    ON COMMIT DROP;
CREATE TEMP TABLE import_team (name text, service text, base text) ON COMMIT DROP;
CREATE TEMP TABLE import_team_area (team text, area text) ON COMMIT DROP;
CREATE TEMP TABLE import_member (username text, display_name text, role text, language text,
                                 identity text)
    ON COMMIT DROP;
CREATE TEMP TABLE import_team_member (team text, username text) ON COMMIT DROP;
CREATE TEMP TABLE import_home (name text, area text, gateway text, address text,
    latitude float8, longitude float8, access text, door_code text, hazards text[],
    pseudonym text) ON COMMIT DROP;
CREATE TEMP TABLE import_client (reference text, home text, given_name text, family_name text,
    born date, phone text, language text, spo2_scale smallint, oxygen_prescribed boolean,
    conditions text[], limits_of_care text, pseudonym text) ON COMMIT DROP;
CREATE TEMP TABLE import_record (client text, record text) ON COMMIT DROP;
CREATE TEMP TABLE import_limit (client text, metric smallint, low float8, high float8)
    ON COMMIT DROP;
CREATE TEMP TABLE import_care (client text, team text) ON COMMIT DROP;
CREATE TEMP TABLE import_pause (client text, home text, kind text, since timestamptz,
    until timestamptz) ON COMMIT DROP;
CREATE TEMP TABLE import_device (gateway text, name text, kind text, location text,
    silent_after interval) ON COMMIT DROP;
CREATE TEMP TABLE import_assignment (home text, gateway text, device text, user_index smallint,
    client text, assigned_from timestamptz) ON COMMIT DROP;

-- name: analyze_import_tables#
-- The planner would take them for small otherwise, and join them row by row.
ANALYZE import_area, import_team, import_team_area, import_member, import_team_member, import_home,
        import_client, import_record, import_limit, import_care, import_pause, import_device, import_assignment;

-- name: import_unknown_area()^
-- An area code that is neither registered nor in the document, and who names it.
SELECT what, name, area FROM (
    SELECT 'Team' AS what, team AS name, area FROM import_team_area
    UNION ALL SELECT 'Team', name, base FROM import_team WHERE base IS NOT NULL
    UNION ALL SELECT 'Home', name, area FROM import_home) named
 WHERE area NOT IN (SELECT code FROM import_area UNION ALL SELECT code FROM registry.area)
 LIMIT 1;

-- name: import_unknown_member()^
SELECT team, username FROM import_team_member
 WHERE username NOT IN (SELECT username FROM import_member
                        UNION ALL SELECT username FROM registry.member)
 LIMIT 1;

-- name: import_unknown_team()^
SELECT client, team FROM import_care
 WHERE team NOT IN (SELECT name FROM import_team UNION ALL SELECT name FROM registry.team)
 LIMIT 1;

-- name: import_foreign_gateway()^
-- A gateway that stands in another home already (home null: it is the unknown one).
SELECT i.gateway, i.name AS home, h.name AS other
  FROM import_home i JOIN registry.gateway g ON g.name = i.gateway
  LEFT JOIN registry.home h ON h.id = g.home
 WHERE h.name IS DISTINCT FROM i.name
 LIMIT 1;

-- name: import_foreign_client()^
-- A device whose client is nowhere, or lives in another home once the import is done.
WITH lives AS (
    SELECT reference, home FROM import_client
    UNION ALL
    SELECT c.reference, h.name
      FROM registry.client c JOIN registry.subject s ON s.id = c.subject
      JOIN registry.home h ON h.id = s.home
     WHERE c.reference NOT IN (SELECT reference FROM import_client))
SELECT a.home, a.device, a.client, l.home AS other
  FROM import_assignment a LEFT JOIN lives l ON l.reference = a.client
 WHERE a.client IS NOT NULL AND l.home IS DISTINCT FROM a.home
 -- Without an order LIMIT has it joined row by row: minutes for 20,000 homes.
 ORDER BY a.home, a.device, a.client
 LIMIT 1;

-- name: import_left_behind()^
-- A client who moves while a device of the old home, not in the document, still measures them.
SELECT i.reference AS client, i.home, h.name AS other, d.name AS device
  FROM import_client i
  JOIN registry.client c ON c.reference = i.reference
  JOIN registry.assignment a ON a.subject = c.subject AND upper_inf(a.during)
  JOIN registry.device d ON d.id = a.device
  JOIN registry.gateway g ON g.id = d.gateway
  JOIN registry.home h ON h.id = g.home
 WHERE h.name <> i.home
   AND NOT EXISTS (SELECT FROM import_assignment n
                    WHERE n.gateway = g.name AND n.device = d.name
                      AND n.user_index = a.user_index)
 LIMIT 1;

-- name: import_overlapping_pause()^
-- A pause that is registered and runs into one of the same kind in the document. The same one, told
-- by its beginning, only gets another end.
SELECT CASE WHEN i.client IS NULL THEN 'Home' ELSE 'Client' END AS what,
       coalesce(i.client, i.home) AS name, p.kind, p.since, p.until
  FROM import_pause i
  LEFT JOIN registry.client c ON c.reference = i.client
  LEFT JOIN registry.home h ON h.name = i.home
  JOIN registry.subject s ON s.id = c.subject OR (s.home = h.id AND s.kind = 'home')
  JOIN registry.pause p ON p.subject = s.id AND p.kind = i.kind
   AND p.during && tstzrange(i.since, i.until) AND p.since <> i.since
 ORDER BY name
 LIMIT 1;

-- name: import_areas()
INSERT INTO registry.area AS old (code, name, latitude, longitude)
SELECT code, name, latitude, longitude FROM import_area
ON CONFLICT (code) DO UPDATE
   SET name = excluded.name, latitude = excluded.latitude, longitude = excluded.longitude
 WHERE (old.name, old.latitude, old.longitude)
       IS DISTINCT FROM (excluded.name, excluded.latitude, excluded.longitude)
RETURNING xmax = 0 AS added;

-- name: import_teams()
INSERT INTO registry.team AS old (name, service, base)
SELECT i.name, i.service, a.id FROM import_team i LEFT JOIN registry.area a ON a.code = i.base
ON CONFLICT (name) DO UPDATE SET service = excluded.service, base = excluded.base
 WHERE (old.service, old.base) IS DISTINCT FROM (excluded.service, excluded.base)
RETURNING xmax = 0 AS added;

-- name: import_team_areas()
INSERT INTO registry.team_area (team, area)
SELECT t.id, a.id
  FROM import_team_area i JOIN registry.team t ON t.name = i.team
  JOIN registry.area a ON a.code = i.area
ON CONFLICT DO NOTHING RETURNING true AS added;

-- name: import_shared_identity()^
-- Two members whom the identity provider could not tell apart.
SELECT username, identity
  FROM (SELECT username, coalesce(identity, username) AS identity FROM import_member
         UNION ALL
        SELECT username, coalesce(identity, username) FROM registry.member
         WHERE username NOT IN (SELECT username FROM import_member)) all_of_them
 WHERE identity IN (SELECT coalesce(i.identity, i.username) FROM import_member i
                     WHERE i.username <> all_of_them.username)
 LIMIT 1;

-- name: import_members()
INSERT INTO registry.member AS old (username, display_name, role, language, identity)
SELECT username, display_name, role, language, identity FROM import_member
ON CONFLICT (username) DO UPDATE
   SET display_name = excluded.display_name, role = excluded.role, language = excluded.language,
       identity = coalesce(excluded.identity, old.identity)
 WHERE (old.display_name, old.role, old.language, old.identity)
       IS DISTINCT FROM (excluded.display_name, excluded.role, excluded.language,
                         coalesce(excluded.identity, old.identity))
RETURNING xmax = 0 AS added;

-- name: import_team_members()
INSERT INTO registry.team_member (team, member)
SELECT t.id, m.id
  FROM import_team_member i JOIN registry.team t ON t.name = i.team
  JOIN registry.member m ON m.username = i.username
ON CONFLICT DO NOTHING RETURNING true AS added;

-- name: import_homes()
INSERT INTO registry.home AS old (name, area, address, latitude, longitude, access, door_code,
                                  hazards)
SELECT i.name, a.id, i.address, i.latitude, i.longitude, i.access, i.door_code, i.hazards
  FROM import_home i JOIN registry.area a ON a.code = i.area
ON CONFLICT (name) DO UPDATE
   SET area = excluded.area, address = excluded.address, latitude = excluded.latitude,
       longitude = excluded.longitude, access = excluded.access, door_code = excluded.door_code,
       hazards = excluded.hazards
 WHERE (old.area, old.address, old.latitude, old.longitude, old.access, old.door_code,
        old.hazards) IS DISTINCT FROM
       (excluded.area, excluded.address, excluded.latitude, excluded.longitude, excluded.access,
        excluded.door_code, excluded.hazards)
RETURNING xmax = 0 AS added;

-- name: import_home_subjects()
INSERT INTO registry.subject (pseudonym, kind, home)
SELECT i.pseudonym, 'home', h.id
  FROM import_home i JOIN registry.home h ON h.name = i.name
 WHERE NOT EXISTS (SELECT FROM registry.subject s WHERE s.home = h.id AND s.kind = 'home')
RETURNING true AS added;

-- name: import_client_subjects()
INSERT INTO registry.subject (pseudonym, kind, home)
SELECT i.pseudonym, 'client', h.id
  FROM import_client i JOIN registry.home h ON h.name = i.home
 WHERE NOT EXISTS (SELECT FROM registry.client c WHERE c.reference = i.reference)
RETURNING true AS added;

-- name: import_clients()
-- A known client keeps subject and pseudonym, and with them the history.
INSERT INTO registry.client AS old
       (subject, reference, given_name, family_name, born, phone, language, spo2_scale,
        oxygen_prescribed, conditions, limits_of_care)
SELECT coalesce(c.subject, s.id), i.reference, i.given_name, i.family_name, i.born, i.phone,
       i.language, i.spo2_scale, i.oxygen_prescribed, i.conditions, i.limits_of_care
  FROM import_client i
  LEFT JOIN registry.client c ON c.reference = i.reference
  LEFT JOIN registry.subject s ON s.pseudonym = i.pseudonym
ON CONFLICT (subject) DO UPDATE
   SET given_name = excluded.given_name, family_name = excluded.family_name, born = excluded.born,
       phone = excluded.phone, language = excluded.language, spo2_scale = excluded.spo2_scale,
       oxygen_prescribed = excluded.oxygen_prescribed, conditions = excluded.conditions,
       limits_of_care = excluded.limits_of_care
 WHERE (old.given_name, old.family_name, old.born, old.phone, old.language, old.spo2_scale,
        old.oxygen_prescribed, old.conditions, old.limits_of_care) IS DISTINCT FROM
       (excluded.given_name, excluded.family_name, excluded.born, excluded.phone,
        excluded.language, excluded.spo2_scale, excluded.oxygen_prescribed, excluded.conditions,
        excluded.limits_of_care)
RETURNING xmax = 0 AS added;

-- name: import_records()!
UPDATE registry.client c SET record = i.record::jsonb
  FROM import_record i
 WHERE c.reference = i.client AND c.record IS DISTINCT FROM i.record::jsonb;

-- name: import_moves()
UPDATE registry.subject s SET home = h.id
  FROM import_client i JOIN registry.client c ON c.reference = i.reference
  JOIN registry.home h ON h.name = i.home
 WHERE s.id = c.subject AND s.home <> h.id
RETURNING false AS added;

-- name: import_limits(now)
INSERT INTO registry.client_limit AS old (subject, metric, low, high, set_at)
SELECT c.subject, i.metric, i.low, i.high, :now
  FROM import_limit i JOIN registry.client c ON c.reference = i.client
ON CONFLICT (subject, metric) DO UPDATE
   SET low = excluded.low, high = excluded.high, set_at = excluded.set_at
 WHERE (old.low, old.high) IS DISTINCT FROM (excluded.low, excluded.high)
RETURNING xmax = 0 AS added;

-- name: create_import_plans#
-- Of clients who are known already, what rules go by so far.
CREATE TEMP TABLE import_plan ON COMMIT DROP AS
SELECT c.subject, registry.plan_of(c.subject) AS before
  FROM import_client i JOIN registry.client c ON c.reference = i.reference;

-- name: note_imported_plans(now, wall)!
-- What a document changes of it is on record as what people change.
INSERT INTO audit.change (at, wall_at, what, subject, detail)
SELECT :now, :wall, 'plan', p.subject, jsonb_build_object('before', p.before, 'after', p.after)
  FROM (SELECT subject, before, registry.plan_of(subject) AS after FROM import_plan) p
 WHERE p.before <> p.after;

-- name: import_care_relationships(now)
INSERT INTO registry.care_relationship (team, subject, during)
SELECT t.id, c.subject, tstzrange(:now, NULL)
  FROM import_care i JOIN registry.team t ON t.name = i.team
  JOIN registry.client c ON c.reference = i.client
 WHERE NOT EXISTS (SELECT FROM registry.care_relationship cr
                    WHERE cr.team = t.id AND cr.subject = c.subject
                      AND cr.during && tstzrange(:now, NULL))
RETURNING true AS added;

-- name: import_pauses(now)!
-- One that a person has ended stays ended.
WITH wanted AS (
    SELECT c.subject, i.kind, i.since, i.until
      FROM import_pause i JOIN registry.client c ON c.reference = i.client
    UNION ALL
    SELECT s.id, i.kind, i.since, i.until
      FROM import_pause i JOIN registry.home h ON h.name = i.home
      JOIN registry.subject s ON s.home = h.id AND s.kind = 'home'
), known AS (
    SELECT w.*, p.id, p.ended_at, p.until AS ends
      FROM wanted w
      LEFT JOIN registry.pause p ON p.subject = w.subject AND p.kind = w.kind
                                AND p.since = w.since
), moved AS (
    UPDATE registry.pause p SET until = k.until, changed_at = :now
      FROM known k
     WHERE p.id = k.id AND k.ended_at IS NULL AND k.ends <> k.until
)
INSERT INTO registry.pause (subject, kind, since, until, set_at, changed_at)
SELECT subject, kind, since, until, :now, :now FROM known WHERE id IS NULL;

-- name: import_gateways()
INSERT INTO registry.gateway (name, home)
SELECT i.gateway, h.id FROM import_home i JOIN registry.home h ON h.name = i.name
ON CONFLICT DO NOTHING RETURNING true AS added;

-- name: import_devices()
INSERT INTO registry.device AS old (gateway, name, kind, location, silent_after)
SELECT g.id, i.name, i.kind, i.location, i.silent_after
  FROM import_device i JOIN registry.gateway g ON g.name = i.gateway
ON CONFLICT (gateway, name) DO UPDATE
   SET kind = excluded.kind, location = excluded.location, silent_after = excluded.silent_after
 WHERE (old.kind, old.location, old.silent_after)
       IS DISTINCT FROM (excluded.kind, excluded.location, excluded.silent_after)
RETURNING xmax = 0 AS added;

-- name: create_import_owners#
-- Whose readings each device of the document is to make: a client's, or those of its home.
CREATE TEMP TABLE import_owner ON COMMIT DROP AS
SELECT d.id AS device, i.user_index, coalesce(c.subject, s.id) AS subject, i.assigned_from
  FROM import_assignment i
  JOIN registry.gateway g ON g.name = i.gateway
  JOIN registry.device d ON d.gateway = g.id AND d.name = i.device
  JOIN registry.subject s ON s.home = g.home AND s.kind = 'home'
  LEFT JOIN registry.client c ON c.reference = i.client;
ANALYZE import_owner;

-- name: import_owners_ahead(now)
-- An assignment that has not come into force yet has no readings: it just gets its new owner.
UPDATE registry.assignment a SET subject = i.subject
  FROM import_owner i
 WHERE a.device = i.device AND a.user_index = i.user_index AND upper_inf(a.during)
   AND lower(a.during) >= :now AND a.subject <> i.subject
RETURNING false AS added;

-- name: import_owners_before(now)
-- The old owner's time ends now; what was measured until now stays theirs.
UPDATE registry.assignment a SET during = tstzrange(lower(a.during), :now)
  FROM import_owner i
 WHERE a.device = i.device AND a.user_index = i.user_index AND upper_inf(a.during)
   AND a.subject <> i.subject
RETURNING false AS added;

-- name: import_owners_from(now)
-- A device never assigned before counts from where the document says, any other from now.
INSERT INTO registry.assignment (device, user_index, subject, during)
SELECT i.device, i.user_index, i.subject,
       tstzrange(CASE WHEN last.until IS NULL THEN coalesce(i.assigned_from, :now)
                      ELSE greatest(:now, last.until) END, NULL)
  FROM import_owner i
  LEFT JOIN (SELECT device, user_index, max(upper(during)) AS until, bool_or(upper_inf(during)) AS open
               FROM registry.assignment GROUP BY device, user_index) last
    ON last.device = i.device AND last.user_index = i.user_index
 WHERE last.open IS NOT TRUE
RETURNING true AS added;

-- name: notify_registry(channel)!
SELECT pg_notify(:channel, '');

-- name: notify_registry_of(channel, what)!
SELECT pg_notify(:channel, :what);
