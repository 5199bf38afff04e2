-- A made-up county for measurements, in a new database: numbers of what is made count from 1.

-- name: make_areas(areas)!
INSERT INTO registry.area (code, name) SELECT code, initcap(code) FROM unnest(:areas::text[]) code;

-- name: make_teams()!
-- A home-care team an area, and one for all of them at night.
INSERT INTO registry.team (name)
SELECT name || ' team' FROM registry.area UNION ALL SELECT 'Night team';

-- name: make_team_areas()!
INSERT INTO registry.team_area
SELECT t.id, a.id FROM registry.team t JOIN registry.area a
    ON t.name = a.name || ' team' OR t.name = 'Night team';

-- name: make_members()!
INSERT INTO registry.member (username, display_name, role)
SELECT 'member' || t.id, 'Member ' || t.id, 'member' FROM registry.team t ORDER BY t.id;

-- name: make_homes(clients)!
INSERT INTO registry.home (name, area)
SELECT 'home ' || n, 1 + n % (SELECT count(*) FROM registry.area)
  FROM generate_series(1, :clients::integer) n ORDER BY n;

-- name: make_subjects(clients)!
-- Clients first, then their homes.
INSERT INTO registry.subject (pseudonym, kind, home)
SELECT CASE WHEN n <= :clients::integer THEN 'c' ELSE 'h' END || md5(n::text),
       CASE WHEN n <= :clients THEN 'client' ELSE 'home' END, 1 + (n - 1) % :clients
  FROM generate_series(1, 2 * :clients) n ORDER BY n;

-- name: make_clients(clients)!
INSERT INTO registry.client (subject, reference, given_name, family_name, born, oxygen_prescribed)
SELECT n, 'client ' || n, 'Client', n::text, DATE '1940-01-01' + n % 5000, n % 2 = 0
  FROM generate_series(1, :clients::integer) n;

-- name: make_limits(clients, since)!
INSERT INTO registry.client_limit (subject, metric, low, high, set_at)
SELECT n, 2, 88, 92, :since::timestamptz FROM generate_series(1, :clients::integer, 10) n;

-- name: make_gateways(clients)!
INSERT INTO registry.gateway (name, home)
SELECT 'gw-' || n, n FROM generate_series(1, :clients::integer) n ORDER BY n;

-- name: make_devices(clients, kinds, places)!
INSERT INTO registry.device (gateway, name, kind, location)
SELECT n, d.kind || '-' || d.number, d.kind, d.place
  FROM generate_series(1, :clients::integer) n,
       unnest(:kinds::text[], :places::text[]) WITH ORDINALITY d(kind, place, number)
 ORDER BY n, d.number;

-- name: make_assignments(clients, devices, own, since)!
INSERT INTO registry.assignment (device, subject, during)
SELECT d.id, g.home + CASE WHEN (d.id - 1) % :devices::integer < :own::integer THEN 0
                           ELSE :clients::integer END,
       tstzrange(:since::timestamptz, NULL)
  FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway
 WHERE d.id > 0;

-- name: make_care(since)!
INSERT INTO registry.care_relationship (team, subject, during)
SELECT t.team, s.id, tstzrange(:since::timestamptz, NULL)
  FROM registry.subject s
  JOIN registry.home h ON h.id = s.home
  JOIN registry.team_area t ON t.area = h.area
  JOIN registry.team n ON n.id = t.team AND n.name <> 'Night team'
 WHERE s.kind = 'client';

-- name: make_heard(clients, until)!
INSERT INTO telemetry.gateway_status (gateway, online, boot, heard_at)
SELECT n, n % 50 <> 0, 'b', :until::timestamptz - CASE WHEN n % 50 = 0 THEN INTERVAL '3 days'
                                                       ELSE INTERVAL '1 minute' END
  FROM generate_series(1, :clients::integer) n;

-- name: make_ledger(clients, since, days)!
-- A boot of each gateway, a hundred messages a day, one of them missing now and then.
INSERT INTO telemetry.received (gateway, boot, seqs, announced, committed, first_at, last_at)
SELECT n, 'b', int8multirange(int8range(1, 40 + n % 50), int8range(41 + n % 50, 100 * :days::integer)),
       100 * :days - 1, 100 * :days - 2, :since::timestamptz,
       :since + :days * INTERVAL '1 day'
  FROM generate_series(1, :clients::integer) n;

-- name: make_ledger_days(clients, since, days)!
INSERT INTO telemetry.received_day (gateway, boot, day, lowest)
SELECT n, 'b', (:since::timestamptz AT TIME ZONE 'Europe/Helsinki')::date + d, 1 + 100 * d
  FROM generate_series(1, :clients::integer) n, generate_series(0, :days::integer - 1) d;

-- name: make_pauses(clients, until)!
INSERT INTO registry.pause (subject, kind, since, until, set_at, changed_at)
SELECT n, 'holiday', :until::timestamptz - INTERVAL '3 days', :until + INTERVAL '3 days',
       :until - INTERVAL '4 days', :until - INTERVAL '4 days'
  FROM generate_series(1, :clients::integer, 20) n;

-- name: touch_span(since, until)!
INSERT INTO telemetry.touched (touched_at, since, until)
VALUES (clock_timestamp(), :since::timestamptz, :until::timestamptz);

-- name: make_shifts(since, days)!
-- From 7 to 21 each team, from 21 to 7 the night team, in Finland.
INSERT INTO registry.shift (team, member, during)
SELECT t.id, t.id,
       tstzrange((d.day + CASE WHEN t.name = 'Night team' THEN INTERVAL '21 hours'
                               ELSE INTERVAL '7 hours' END) AT TIME ZONE 'Europe/Helsinki',
                 (d.day + CASE WHEN t.name = 'Night team' THEN INTERVAL '31 hours'
                               ELSE INTERVAL '21 hours' END) AT TIME ZONE 'Europe/Helsinki')
  FROM registry.team t,
       generate_series(:since::timestamptz AT TIME ZONE 'Europe/Helsinki',
                       (:since + :days::integer * INTERVAL '1 day') AT TIME ZONE 'Europe/Helsinki',
                       INTERVAL '1 day') g(at),
       date_trunc('day', g.at) d(day);

-- name: make_alerts(subjects, kinds, severities, opened, closed, outcomes, acknowledged, contacted, ended)$
-- Alerts with their history, each of an origin of its own, so that any may stand at once.
WITH given AS (
    SELECT * FROM unnest(:subjects::integer[], :kinds::text[], :severities::integer[],
                         :opened::timestamptz[], :closed::boolean[], :outcomes::text[],
                         :acknowledged::timestamptz[], :contacted::timestamptz[],
                         :ended::timestamptz[])
         WITH ORDINALITY g(subject, kind, severity, opened, closed, outcome, acknowledged, contacted,
                           ended, number)),
made AS (
    INSERT INTO alerts.episode (subject, kind, origin, severity, highest, opened_at, changed_at,
                                acknowledged_at, acknowledged_by, cleared_at, closed_at, closed_by,
                                outcome, summary, evidence)
    SELECT subject, kind, 'n' || number, severity, severity, opened, opened,
           CASE WHEN closed THEN acknowledged END, CASE WHEN closed THEN 1 END,
           CASE WHEN closed THEN ended END, CASE WHEN closed THEN ended END,
           CASE WHEN closed THEN 1 END, CASE WHEN closed THEN outcome END, '{}', '[]'
      FROM given
    RETURNING id, origin),
events AS (
    INSERT INTO alerts.episode_event (episode, at, wall_at, what, member, detail)
    SELECT m.id, e.at, e.at, e.what, e.member, e.detail::jsonb
      FROM made m JOIN given g ON m.origin = 'n' || g.number
     CROSS JOIN LATERAL (VALUES
           (g.opened, 'opened', NULL::integer, '{}', true),
           (g.opened, 'called', 1, '{}', g.severity > 1),
           (g.acknowledged, 'acknowledged', 1, '{}', g.closed),
           (g.contacted, 'contacted', 1,
            CASE WHEN g.number % 2 = 0 THEN '{"how": "face_to_face", "whom": "client"}'
                 ELSE '{"how": "phone", "whom": "client"}' END, g.closed),
           (g.ended, 'closed', 1, '{}', g.closed)) e(at, what, member, detail, happened)
     WHERE e.happened
     ORDER BY m.id, e.at)
SELECT count(*) FROM made;

-- name: indexes_of(tables)
-- How the indexes and keys of tables of telemetry are removed and made, those of single partitions
-- too; what a partition has from its table goes and comes with the table's.
SELECT CASE WHEN c.oid IS NULL THEN format('DROP INDEX %s', i.indexrelid::regclass)
            ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, c.conname)
        END AS remove,
       CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
            ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, c.conname,
                        pg_get_constraintdef(c.oid))
        END AS make
  FROM pg_index i
  JOIN pg_class n ON n.oid = i.indexrelid AND NOT n.relispartition
  LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'p'
 WHERE i.indrelid IN (SELECT coalesce(p.relid, t.relid)
                        FROM (SELECT ('telemetry.' || t)::regclass AS relid
                                FROM unnest(:tables::text[]) t) t
                        LEFT JOIN LATERAL pg_partition_tree(t.relid) p ON true)
 ORDER BY i.indexrelid;
