-- name: choose_chunks_once()$
-- Where TimescaleDB is, and has such a setting.
SELECT set_config(name, 'off', false) FROM pg_settings
 WHERE name = 'timescaledb.enable_runtime_exclusion';

-- name: claim_notes(half)
-- The newest notes first, so that a call made now does not wait behind the backlog of an hour; the
-- oldest as well, so that none waits for ever. What another worker holds is passed over.
WITH newest AS (
    SELECT id FROM telemetry.note ORDER BY id DESC LIMIT :half FOR UPDATE SKIP LOCKED
), oldest AS (
    SELECT id FROM telemetry.note ORDER BY id LIMIT :half FOR UPDATE SKIP LOCKED
)
DELETE FROM telemetry.note
 WHERE id IN (SELECT id FROM newest UNION SELECT id FROM oldest)
RETURNING subject, since, until, each_counts;

-- name: claim_due(now, most, turn)
-- Subjects whose time has come; one worker at a time takes them, told by an advisory lock.
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(:turn) AS mine)
SELECT s.subject
  FROM alerts.subject_state s, turn
 WHERE turn.mine AND s.due_at <= :now
 ORDER BY s.due_at
 LIMIT :most;

-- name: add_states(subjects)!
INSERT INTO alerts.subject_state (subject)
SELECT subject FROM unnest(:subjects::int[]) AS subject
 WHERE NOT EXISTS (SELECT FROM alerts.subject_state s WHERE s.subject = subject.subject)
 ORDER BY subject
ON CONFLICT DO NOTHING;

-- name: lock_states(subjects)
-- Always in the order of subjects, so that workers wait for each other and never in a circle.
SELECT subject, due_at, state
  FROM alerts.subject_state
 WHERE subject = ANY(:subjects::int[])
 ORDER BY subject
   FOR UPDATE;

-- name: write_states(subjects, due, states, now)!
-- A state that is null stays as it is.
UPDATE alerts.subject_state s
   SET assessed_at = :now, due_at = c.due_at, state = coalesce(c.state::jsonb, s.state)
  FROM unnest(:subjects::int[], :due::timestamptz[], :states::text[]) AS c(subject, due_at, state)
 WHERE s.subject = c.subject;

-- name: watch_new(now)!
-- Subjects of whom regular signs of life are expected, and on whom nobody has looked yet: asked of
-- those alone that have no state, since a county has millions of devices.
WITH unmet AS MATERIALIZED (
    SELECT s.id, s.home, s.kind FROM registry.subject s
     WHERE NOT EXISTS (SELECT FROM alerts.subject_state t WHERE t.subject = s.id)
)
INSERT INTO alerts.subject_state (subject, due_at)
SELECT s.id, :now
  FROM unmet s
 CROSS JOIN LATERAL (
       SELECT FROM registry.assignment a
         JOIN registry.device d ON d.id = a.device
        WHERE a.subject = s.id AND a.during @> :now::timestamptz AND d.silent_after IS NOT NULL
       UNION ALL
       SELECT FROM registry.gateway g
         JOIN registry.device d ON d.gateway = g.id
        WHERE g.home = s.home AND s.kind = 'home' AND d.silent_after IS NOT NULL
       LIMIT 1) watched
 ORDER BY s.id
ON CONFLICT DO NOTHING;

-- name: watch_known(now)!
-- The same for subjects that readings came from before their devices were expected regularly.
UPDATE alerts.subject_state u
   SET due_at = :now
  FROM (SELECT s.subject
          FROM alerts.subject_state s
          JOIN registry.subject r ON r.id = s.subject
         WHERE s.due_at IS NULL
           AND EXISTS (SELECT FROM registry.gateway g
                         JOIN registry.device d ON d.gateway = g.id
                        WHERE g.home = r.home AND d.silent_after IS NOT NULL
                          AND g.revoked_at IS NULL)
         ORDER BY s.subject
           FOR UPDATE OF s SKIP LOCKED) w
 WHERE u.subject = w.subject;

-- name: watch_paused(now)!
-- Everybody on whom a pause bears that was set or changed since they were last looked at.
UPDATE alerts.subject_state u
   SET due_at = :now
  FROM (SELECT s.subject
          FROM registry.pause p
          JOIN registry.subject w ON w.id = p.subject
          JOIN registry.subject r ON r.home = w.home
          JOIN alerts.subject_state s ON s.subject = r.id
         WHERE p.changed_at > :now::timestamptz - interval '1 day'
           AND (s.assessed_at IS NULL OR s.assessed_at <= p.changed_at)
           AND (s.due_at IS NULL OR s.due_at > :now)
         ORDER BY s.subject
           FOR UPDATE OF s SKIP LOCKED) w
 WHERE u.subject = w.subject;

-- name: episodes(subjects, since)
-- Open episodes, and those closed since then; held, so that nobody closes one meanwhile.
SELECT e.id, e.subject, e.kind, e.origin, e.severity, e.highest, e.summary, e.evidence,
       e.cleared_at, e.acknowledged_at, e.acknowledged_by, e.closed_at, e.outcome,
       CASE WHEN e.acknowledged_at IS NOT NULL
            THEN coalesce((SELECT (v.detail ->> 'severity')::int
                             FROM alerts.episode_event v
                            WHERE v.episode = e.id
                              AND v.what IN ('acknowledged', 'renewed', 'handed_over')
                            ORDER BY v.id DESC LIMIT 1), e.severity)
             END AS acknowledged_severity
  FROM alerts.episode e
 WHERE e.subject = ANY(:subjects::int[])
   AND (e.closed_at IS NULL OR (e.closed_at > :since AND e.subject <> 0))
 ORDER BY e.id
   FOR UPDATE OF e;

-- name: open_new(rows, now)
INSERT INTO alerts.episode (subject, kind, origin, severity, highest, opened_at, changed_at,
                            summary, evidence)
SELECT c.subject, c.kind, c.origin, c.severity, c.severity, :now, :now, c.summary, c.evidence
  FROM jsonb_to_recordset(:rows::jsonb)
    AS c(subject int, kind text, origin text, severity smallint, summary jsonb, evidence jsonb)
RETURNING id, subject, kind, origin;

-- name: change(rows, now)!
UPDATE alerts.episode e
   SET severity = c.severity,
       highest = c.highest,
       cleared_at = c.cleared_at,
       acknowledged_at = CASE WHEN c.ends_acknowledgement THEN NULL ELSE e.acknowledged_at END,
       acknowledged_by = CASE WHEN c.ends_acknowledgement THEN NULL ELSE e.acknowledged_by END,
       acknowledged_until = CASE WHEN c.ends_acknowledgement THEN NULL
                                 ELSE e.acknowledged_until END,
       summary = c.summary,
       evidence = coalesce(c.evidence, e.evidence),
       changed_at = CASE WHEN c.eventful THEN :now ELSE e.changed_at END,
       version = e.version + 1
  FROM jsonb_to_recordset(:rows::jsonb)
    AS c(id bigint, severity smallint, highest smallint, cleared_at timestamptz,
         ends_acknowledgement boolean, summary jsonb, evidence jsonb, eventful boolean)
 WHERE e.id = c.id;

-- name: record_events(rows, now, wall)!
INSERT INTO alerts.episode_event (episode, at, wall_at, what, detail)
SELECT c.episode, :now, :wall, c.what, c.detail
  FROM jsonb_to_recordset(:rows::jsonb) AS c(episode bigint, what text, detail jsonb);

-- name: lock_line()^
-- The record of when ingest and engine were alive; held, so that one worker at a time writes it.
SELECT detail FROM ops.heartbeat WHERE service = 'line' AND instance = 'line' FOR UPDATE;

-- name: read_line()$
SELECT detail FROM ops.heartbeat WHERE service = 'line' AND instance = 'line';

-- name: claim_notes_of(subject)
DELETE FROM telemetry.note
 WHERE id IN (SELECT id FROM telemetry.note WHERE subject = :subject FOR UPDATE SKIP LOCKED)
RETURNING since, until, each_counts;

-- name: add_line(wall)!
INSERT INTO ops.heartbeat (service, instance, wall_at) VALUES ('line', 'line', :wall)
ON CONFLICT DO NOTHING;
