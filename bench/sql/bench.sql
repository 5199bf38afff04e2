-- What a measurement asks the database.

-- name: settled()$
-- Readings that ingest has dealt with, whatever became of them.
SELECT coalesce(sum(committed + duplicates + rejected), 0)::bigint FROM telemetry.received;

-- name: outcome()^
-- What was stored, and in how many transactions: each wrote its notes at one instant.
SELECT (SELECT count(*) FROM telemetry.reading) AS stored,
       (SELECT coalesce(sum(committed), 0) FROM telemetry.received)::bigint AS committed,
       (SELECT coalesce(sum(upper(u) - lower(u)), 0)
          FROM telemetry.received, unnest(seqs) u)::bigint AS messages,
       (SELECT count(DISTINCT noted_at) FROM telemetry.note) AS transactions;

-- name: backends()
-- The server's processes that work for ingest.
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND backend_type = 'client backend' AND application_name LIKE 'saimi%';

-- name: add_homes(clients)!
-- Homes of one client each, numbered from 1.
INSERT INTO registry.home (name, area)
SELECT 'home-' || n, (SELECT min(id) FROM registry.area) FROM generate_series(1, :clients::int) n;

-- name: add_area()!
INSERT INTO registry.area (code, name) VALUES ('bench', 'Bench');

-- name: add_clients()!
-- Each with a gateway and a monitor that is expected to be heard.
WITH subject AS (
    INSERT INTO registry.subject (pseudonym, kind, home)
    SELECT 'bench-' || id, 'client', id FROM registry.home
    RETURNING id, home
), client AS (
    INSERT INTO registry.client (subject, reference, given_name, family_name, born,
                                 oxygen_prescribed)
    SELECT id, 'bench-' || id, 'Given', 'Family', date '1940-01-01', false FROM subject
), gateway AS (
    INSERT INTO registry.gateway (name, home)
    SELECT 'gw-bench-' || home, home FROM subject
    RETURNING id, home
), device AS (
    INSERT INTO registry.device (gateway, name, kind, silent_after)
    SELECT id, 'monitor', 'monitor', interval '2 hours' FROM gateway
    RETURNING id, gateway
)
INSERT INTO registry.assignment (device, subject, during)
SELECT device.id, subject.id, tstzrange('2000-01-01', NULL)
  FROM device
  JOIN gateway ON gateway.id = device.gateway
  JOIN subject ON subject.home = gateway.home;

-- name: monitors()
-- Whose monitor each is.
SELECT device, subject FROM registry.assignment ORDER BY subject;

-- name: add_notes(subjects, time, wall)!
-- As ingest notes them, one for each subject of a batch.
INSERT INTO telemetry.note (subject, since, until, each_counts, noted_at)
SELECT subject, :time, :time, false, :wall FROM unnest(:subjects::int[]) AS subject;

-- name: waiting(since)^
-- Notes not taken yet, and who was not looked at since a moment.
SELECT (SELECT count(*) FROM telemetry.note) AS notes,
       (SELECT count(*) FROM registry.client c
         WHERE NOT EXISTS (SELECT FROM alerts.subject_state s
                            WHERE s.subject = c.subject AND s.assessed_at >= :since)) AS unseen;

-- name: notes_left()$
SELECT count(*) FROM telemetry.note;

-- name: due_left(now)$
SELECT count(*) FROM alerts.subject_state WHERE due_at <= :now;

-- name: models_due(every, nth, packs)!
UPDATE alerts.learned SET looked_at = looked_at - :every::interval
 WHERE subject % :packs::int = :nth::int % :packs::int;

-- name: looked_at_by_models(since)$
SELECT count(*) FROM alerts.learned WHERE looked_at >= :since;

-- name: episodes()$
SELECT count(*) FROM alerts.episode;

-- What a worker asks at least, with nothing evaluated, on tables of its own.

-- name: bare_tables#
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.note (LIKE telemetry.note INCLUDING ALL);
CREATE TABLE IF NOT EXISTS bench.subject_state (LIKE alerts.subject_state INCLUDING ALL);
INSERT INTO bench.subject_state SELECT * FROM alerts.subject_state ON CONFLICT DO NOTHING;

-- name: bare_notes(subjects, time, wall)!
INSERT INTO bench.note (subject, since, until, noted_at)
SELECT subject, :time, :time, :wall FROM unnest(:subjects::int[]) AS subject;

-- name: bare_claim(most)
DELETE FROM bench.note
 WHERE id IN (SELECT id FROM bench.note ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING subject, since, until;

-- name: bare_lock(subjects)
SELECT subject, due_at, state FROM bench.subject_state
 WHERE subject = ANY(:subjects::int[]) ORDER BY subject FOR UPDATE;

-- name: bare_new(subjects, since, until)
-- The readings that were noted.
SELECT r.subject, r.metric, r.time, r.received_at, r.value, r.qualifier, r.device
  FROM telemetry.reading r
 WHERE r.subject = ANY(:subjects::int[]) AND r.time BETWEEN :since AND :until;

-- name: bare_write(subjects, due, states, now)!
UPDATE bench.subject_state s
   SET assessed_at = :now, due_at = c.due_at, state = c.state::jsonb
  FROM unnest(:subjects::int[], :due::timestamptz[], :states::text[]) AS c(subject, due_at, state)
 WHERE s.subject = c.subject;

-- The whole line.

-- name: add_phones(count, team)
-- Every second one at the county's desk, the others members of a team.
WITH made AS (
    INSERT INTO registry.member (username, display_name, role)
    SELECT 'bench-' || n, 'Bench ' || n,
           CASE WHEN n % 2 = 0 THEN 'coordinator' ELSE 'member' END
      FROM generate_series(1, :count::int) n
    RETURNING id, role
), joined AS (
    INSERT INTO registry.team_member (team, member)
    SELECT t.id, made.id FROM made, registry.team t WHERE made.role = 'member' AND t.name = :team
)
SELECT id FROM made ORDER BY id;

-- name: stored()$
SELECT count(*) FROM telemetry.reading;

-- name: opened(since)
-- Episodes opened since then; when the reading that opened each was measured and received, and when
-- the engine wrote it.
SELECT e.id, v.wall_at AS opened_at,
       (v.detail -> 'evidence' -> 0 ->> 'time')::timestamptz AS measured_at,
       (v.detail -> 'evidence' -> 0 ->> 'received_at')::timestamptz AS received_at
  FROM alerts.episode e
  JOIN alerts.episode_event v ON v.episode = e.id AND v.what = 'opened'
 WHERE (v.detail -> 'evidence' -> 0 ->> 'time')::timestamptz >= :since;

-- name: server_processes()
-- All of the server's that work for Saimi, whichever database they are in.
SELECT pid FROM pg_stat_activity
 WHERE backend_type IN ('client backend', 'autovacuum worker', 'walwriter', 'checkpointer',
                        'background writer') AND pid <> pg_backend_pid();

-- name: seen_by_team(team)
-- The clients whom members of a team may see: of its areas, and in its care.
SELECT r.subject
  FROM registry.care_relationship r
  JOIN registry.team t ON t.id = r.team
  JOIN registry.subject s ON s.id = r.subject
  JOIN registry.home h ON h.id = s.home
  JOIN registry.team_area a ON a.team = t.id AND a.area = h.area
 WHERE t.name = :team
 ORDER BY r.subject;

-- name: open_alert(subject, origin, now, summary, evidence, channel)$
-- As the engine does; an alert of this kind stands beside others only by another origin.
WITH made AS (
    INSERT INTO alerts.episode (subject, kind, origin, severity, highest, opened_at, changed_at,
                                summary, evidence)
    VALUES (:subject, 'news2', :origin, 4, 4, :now, :now, :summary, :evidence)
    RETURNING id
), told AS (
    INSERT INTO alerts.episode_event (episode, at, wall_at, what, detail)
    SELECT id, :now, :now, 'opened', jsonb_build_object('severity', 4) FROM made
)
SELECT id FROM made, pg_notify(:channel, made.id::text);

-- name: close_alert(episode, member, now, channel)!
WITH done AS (
    UPDATE alerts.episode
       SET closed_at = :now, closed_by = :member, outcome = 'false', changed_at = :now,
           version = version + 1
     WHERE id = :episode
    RETURNING id
), told AS (
    INSERT INTO alerts.episode_event (episode, at, wall_at, what, member)
    SELECT id, :now, :now, 'closed', :member FROM done
)
SELECT pg_notify(:channel, id::text) FROM done;
