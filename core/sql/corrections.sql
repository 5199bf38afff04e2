-- Putting readings right that are stored already. What held before is kept beside what holds now.

-- name: lock_device(device)!
-- Corrections of one device run one after the other.
SELECT pg_advisory_xact_lock(7241003, :device);

-- name: begin_correction(made_at, wall_at, member, what, reason, former)$
INSERT INTO telemetry.correction (made_at, wall_at, member, what, reason, former)
VALUES (:made_at, :wall_at, :member, :what, :reason, :former)
RETURNING id;

-- name: correct_readings(correction, device, metrics, since, until, held_index, subject, state)
-- As telemetry.correct_readings says (0034): what was changed, by subject.
SELECT before, after, readings, first AS since, last AS until
  FROM telemetry.correct_readings(:correction, :device, :metrics::smallint[], :since, :until,
                                  :held_index::smallint, :subject::int, :state::smallint);

-- name: restore_readings(correction, restored)
-- Undo an earlier correction where nothing else has changed the reading since.
WITH changed AS (
    UPDATE telemetry.reading r
       SET subject = c.subject_before, state = c.state_before
      FROM telemetry.corrected_reading c
     WHERE c.correction = :restored
       AND r.device = c.device AND r.metric = c.metric AND r.time = c.time
       AND (r.subject, r.state) = (c.subject_after, c.state_after)
    RETURNING c.*),
kept AS (
    INSERT INTO telemetry.corrected_reading
           (correction, device, metric, time, subject_before, subject_after, state_before,
            state_after)
    SELECT :correction, device, metric, time, subject_after, subject_before, state_after,
           state_before
      FROM changed)
SELECT subject_after AS before, subject_before AS after, count(*)::int AS readings,
       min(time) AS since, max(time) AS until
  FROM changed GROUP BY subject_after, subject_before;

-- name: device_of_correction(correction)$
SELECT device FROM telemetry.corrected_reading WHERE correction = :correction LIMIT 1;

-- name: note_corrected(subjects, since, until, wall_at)!
-- The alert worker looks at these clients again.
INSERT INTO telemetry.note (subject, since, until, noted_at)
SELECT subject, since, until, :wall_at
  FROM unnest(:subjects::int[], :since::timestamptz[], :until::timestamptz[])
       n (subject, since, until);

-- name: touch_corrected(subjects, device, since, until, wall_at)!
-- The aggregates are reckoned anew there.
INSERT INTO telemetry.touched (touched_at, since, until, subject, device)
SELECT :wall_at, since, until, subject, :device
  FROM unnest(:subjects::int[], :since::timestamptz[], :until::timestamptz[])
       n (subject, since, until);

-- name: notify_corrected(channel)!
SELECT pg_notify(:channel, '');

-- name: assignments_within(device, user_index, since, until)
-- What the registry says of a device in a stretch of time.
SELECT a.subject, a.user_index, lower(a.during) AS since, upper(a.during) AS until
  FROM registry.assignment a
 WHERE a.device = :device AND a.user_index = :user_index
   AND a.during && tstzrange(:since, :until)
 ORDER BY a.during;

-- name: clear_assignments(device, user_index, since, until)!
SELECT registry.clear_assignments(:device, :user_index::smallint, tstzrange(:since, :until));

-- name: assign(device, user_index, subject, since, until)!
INSERT INTO registry.assignment (device, user_index, subject, during)
VALUES (:device, :user_index, :subject, tstzrange(:since, :until));

-- name: find_device(gateway, device)^
SELECT d.id, d.name, g.home
  FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway
 WHERE g.name = :gateway AND d.name = :device AND d.id <> 0;

-- name: find_client(reference)^
SELECT c.subject, s.home, s.pseudonym
  FROM registry.client c JOIN registry.subject s ON s.id = c.subject
 WHERE c.reference = :reference;

-- name: list_held(most)
-- Readings whose owner nobody knows, the oldest first.
SELECT g.name AS gateway, d.name AS device, d.kind, h.user_index, m.name AS metric, m.unit,
       h.time, r.value, h.held_at,
       ARRAY(SELECT DISTINCT c.reference
               FROM registry.assignment a JOIN registry.client c ON c.subject = a.subject
              WHERE a.device = h.device AND a.during @> h.time ORDER BY 1) AS candidates
  FROM telemetry.held h
  JOIN telemetry.reading r ON r.device = h.device AND r.metric = h.metric AND r.time = h.time
  JOIN telemetry.metric m ON m.id = h.metric
  JOIN registry.device d ON d.id = h.device
  JOIN registry.gateway g ON g.id = d.gateway
 WHERE r.subject = 0 AND r.state <> 2
 ORDER BY h.time LIMIT :most;

-- name: list_corrections(most)
SELECT c.id, c.made_at, m.username AS member, c.what, c.reason, count(r.*)::int AS readings,
       min(r.time) AS since, max(r.time) AS until
  FROM telemetry.correction c
  LEFT JOIN telemetry.corrected_reading r ON r.correction = c.id
  LEFT JOIN registry.member m ON m.id = c.member
 GROUP BY c.id, m.username ORDER BY c.id DESC LIMIT :most;
