-- name: cohort_subjects(since, until, most)
-- Clients and homes for two of whom something was measured, the same ones each time; at most so
-- many.
SELECT s.id, s.kind
  FROM registry.subject s
 WHERE EXISTS (SELECT FROM telemetry.reading r
                WHERE r.subject = s.id AND r.time >= :since AND r.time < :until)
 ORDER BY md5(s.id::text)
 LIMIT :most;

-- name: cohort_signs(subjects, metrics, since, until)
-- Vital signs by the hour: a monitor's minutes say no more than the hour they are of.
SELECT r.subject, r.metric, extract(epoch FROM max(r.time))::float8 AS time,
       avg(r.value)::float8 AS value
  FROM telemetry.reading r
 WHERE r.subject = ANY(:subjects::int[]) AND r.metric = ANY(:metrics::smallint[])
   AND r.time >= :since AND r.time < :until AND r.state = 0
   AND r.value > '-Infinity' AND r.value < 'Infinity'
 GROUP BY r.subject, r.metric, date_trunc('hour', r.time);

-- name: cohort_rooms(subjects, metrics, since, until)
-- What sensors of rooms noticed.
SELECT r.subject, r.metric, extract(epoch FROM r.time)::float8 AS time, r.value, d.kind, d.location
  FROM telemetry.reading r
  JOIN registry.device d ON d.id = r.device
 WHERE r.subject = ANY(:subjects::int[]) AND r.metric = ANY(:metrics::smallint[])
   AND r.time >= :since AND r.time < :until AND r.state = 0;
