-- name: subject_of(pseudonym)^
-- A subject by its pseudonym, if the caller may see it.
SELECT s.id, s.pseudonym, s.kind, s.home, c.given_name, c.family_name, c.born, c.spo2_scale,
       c.limits_of_care, a.name AS municipality
  FROM registry.subject s
  LEFT JOIN registry.client c ON c.subject = s.id
  LEFT JOIN registry.home h ON h.id = s.home
  LEFT JOIN registry.area a ON a.id = h.area
 WHERE s.pseudonym = :pseudonym;

-- name: clients(search, count)
-- The clients that the caller may see, with what is open for them and when their home was last heard.
WITH shown AS MATERIALIZED (
    SELECT s.id, s.home, s.pseudonym, c.given_name, c.family_name, c.born, a.name AS municipality
      FROM registry.client c
      JOIN registry.subject s ON s.id = c.subject
      JOIN registry.home h ON h.id = s.home
      JOIN registry.area a ON a.id = h.area
     WHERE :search::text = ''
        OR position(lower(:search) IN lower(c.given_name || ' ' || c.family_name)) > 0
        OR position(lower(:search) IN lower(c.family_name || ' ' || c.given_name)) > 0
        OR position(lower(:search) IN lower(a.name)) > 0
     ORDER BY c.family_name, c.given_name, s.id
     LIMIT :count::integer
)
SELECT shown.id AS subject, shown.pseudonym, shown.given_name, shown.family_name, shown.born,
       shown.municipality, heard.at AS heard_at, open.count AS open_count, open.severity
  FROM shown
  LEFT JOIN LATERAL (
       SELECT max(t.heard_at) AS at
         FROM registry.gateway g JOIN telemetry.gateway_status t ON t.gateway = g.id
        WHERE g.home = shown.home) AS heard ON true
  LEFT JOIN LATERAL (
       SELECT count(*) AS count, max(e.severity) AS severity
         FROM alerts.episode e
        WHERE e.closed_at IS NULL AND e.subject = shown.id) AS open ON true
 ORDER BY shown.family_name, shown.given_name, shown.id;

-- name: limits(subject)
SELECT metric, low, high FROM registry.client_limit WHERE subject = :subject;

-- name: metrics_of(subject, since, until)
-- Which metrics a subject has in a time; one index lookup a metric instead of reading the rows.
SELECT m.name
  FROM telemetry.metric m
 WHERE m.kind IN ('vital', 'body', 'context')
   AND EXISTS (SELECT FROM seen.reading r
                WHERE r.subject = :subject::integer AND r.metric = m.id
                  AND r.time >= :since::timestamptz AND r.time < :until::timestamptz)
 ORDER BY m.id;

-- name: readings(subject, metrics, since, until, bucket)
-- Readings for a chart, a column each: with more than one in a bucket its lowest, highest and mean
-- are kept, so that no peak is lost; a single one keeps its own time and value.
WITH bucketed AS (
    SELECT r.metric, date_bin(:bucket::interval, r.time, :since::timestamptz) AS bucket,
           min(r.time) AS first, max(r.time) AS last,
           min(r.value) AS low, max(r.value) AS high, avg(r.value) AS mean, count(*) AS count,
           bool_or(r.qualifier <> 0) AS beyond
      FROM seen.reading r
     WHERE r.subject = :subject::integer AND r.metric = ANY(:metrics::smallint[])
       AND r.time >= :since AND r.time < :until::timestamptz AND r.state = 0
     GROUP BY r.metric, bucket
)
SELECT metric,
       array_agg(extract(epoch FROM first + (last - first) / 2)::double precision ORDER BY bucket)
           AS time,
       array_agg(low ORDER BY bucket) AS low, array_agg(high ORDER BY bucket) AS high,
       array_agg(mean ORDER BY bucket) AS mean, array_agg(count ORDER BY bucket) AS count,
       array_agg(beyond ORDER BY bucket) AS beyond
  FROM bucketed
 GROUP BY metric;

-- name: activity(subject, since, until, bin, metrics)
-- Movement and openings by place and bin: those of the client's own sensors, of their home's, and
-- no other client's.
SELECT coalesce(nullif(d.location, ''), d.name) AS place,
       date_bin(:bin::interval, r.time, :since::timestamptz) AS bin, count(*) AS count
  FROM seen.reading r
  JOIN registry.device d ON d.id = r.device
 WHERE r.subject IN (SELECT s.id FROM registry.subject s
                      WHERE s.id = :subject::integer
                         OR (s.kind = 'home' AND s.home = (SELECT home FROM registry.subject
                                                            WHERE id = :subject)))
   AND r.metric = ANY(:metrics::smallint[]) AND r.time >= :since AND r.time < :until::timestamptz
   AND r.state = 0 AND r.value >= 0.5
 GROUP BY place, bin
 ORDER BY place, bin;

-- name: record_of(subject)^
SELECT record FROM registry.client WHERE subject = :subject;

-- name: trend_values(subject, metrics, since, until)
-- Single readings, for the rules that go by means and counts.
SELECT metric, time, value
  FROM seen.reading
 WHERE subject = :subject::integer AND metric = ANY(:metrics::smallint[])
   AND time >= :since::timestamptz AND time <= :until::timestamptz AND state = 0
 ORDER BY metric, time DESC
 LIMIT 20000;

-- name: grafana_place(subject)^
-- The organisation in which a client's area is seen, once there is one.
SELECT g.organisation, a.code AS area
  FROM registry.subject s
  JOIN registry.home h ON h.id = s.home
  JOIN registry.area a ON a.id = h.area
  JOIN grafana.role g ON g.area = a.id AND g.organisation IS NOT NULL
 WHERE s.id = :subject::integer;
