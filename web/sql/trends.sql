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
-- Which metrics a subject has in a time; one index lookup a metric instead of reading the rows. Of
-- what is past retention only days are left; what came just now may not be in its day yet.
SELECT m.name
  FROM telemetry.metric m
 WHERE m.kind IN ('vital', 'body', 'context')
   AND (EXISTS (SELECT FROM seen.reading_daily d
                 WHERE d.subject = :subject::integer AND d.metric = m.id
                   AND d.bucket >= :since::timestamptz AND d.bucket < :until::timestamptz)
        OR EXISTS (SELECT FROM seen.reading r
                    WHERE r.subject = :subject AND r.metric = m.id
                      AND r.time >= greatest(:since, :until - INTERVAL '31 days')
                      AND r.time < :until))
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

-- name: summed_readings(subject, metrics, since, until, bucket, origin, unit, daily)
-- The same columns from the sums of hours or days; of the two branches one is never begun. Sums of
-- nothing but doubtful readings are left out; whether a meter's range was left they do not tell.
WITH given AS (
    SELECT h.metric, h.bucket, h.sum, h.count, h.min, h.max
      FROM seen.reading_hourly h
     WHERE NOT :daily::boolean AND h.subject = :subject::integer
       AND h.metric = ANY(:metrics::smallint[]) AND h.suspect < h.count
       AND h.bucket >= :since::timestamptz AND h.bucket < :until::timestamptz
    UNION ALL
    SELECT d.metric, d.bucket, d.sum, d.count, d.min, d.max
      FROM seen.reading_daily d
     WHERE :daily AND d.subject = :subject
       AND d.metric = ANY(:metrics) AND d.suspect < d.count
       AND d.bucket >= :since AND d.bucket < :until),
bucketed AS (
    SELECT g.metric, date_bin(:bucket::interval, g.bucket, :origin::timestamptz) AS bin,
           min(g.bucket) AS first, max(g.bucket) + :unit::interval AS last,
           min(g.min) AS low, max(g.max) AS high, sum(g.sum) / sum(g.count) AS mean,
           sum(g.count)::bigint AS count
      FROM given g
     GROUP BY g.metric, bin)
SELECT metric,
       array_agg(extract(epoch FROM first + (last - first) / 2)::double precision ORDER BY bin)
           AS time,
       array_agg(low ORDER BY bin) AS low, array_agg(high ORDER BY bin) AS high,
       array_agg(mean ORDER BY bin) AS mean, array_agg(count ORDER BY bin) AS count,
       array_agg(NULL::boolean) AS beyond
  FROM bucketed
 GROUP BY metric;

-- name: with_home(subject)^
-- Whom movement may be about: the client and their home, no other client. Asked by itself, since
-- with the identifiers at hand the database asks once for each, not for each reading, who sees them.
SELECT array_agg(s.id) AS subjects
  FROM registry.subject s
 WHERE s.id = :subject::integer
    OR (s.kind = 'home' AND s.home = (SELECT home FROM registry.subject WHERE id = :subject));

-- name: activity(subjects, since, until, bin, metrics)
-- Movement and openings by device and bin. Bins are numbered from 0. Whether a device may be seen is asked for each row it
-- is joined to, so it is joined to one.
WITH binned AS (
    SELECT r.device, floor(extract(epoch FROM r.time - :since::timestamptz)
                           / extract(epoch FROM :bin::interval))::integer AS at, count(*) AS count
      FROM seen.reading r
     WHERE r.subject = ANY(:subjects::integer[])
       AND r.metric = ANY(:metrics::smallint[]) AND r.time >= :since
       AND r.time < :until::timestamptz AND r.state = 0 AND r.value >= 0.5
     GROUP BY 1, 2),
by_device AS MATERIALIZED (
    SELECT device, array_agg(at) AS at, array_agg(count) AS counts FROM binned GROUP BY device)
SELECT coalesce(nullif(d.location, ''), d.name) AS place, b.at, b.counts
  FROM by_device b
  JOIN registry.device d ON d.id = b.device;

-- name: activity_by_hour(subjects, since, until, first, metrics)
-- The same from the sums of hours (a firing is 1): the county's hours, numbered from the first day's
-- midnight, 24 a day.
WITH fired AS MATERIALIZED (
    SELECT r.device, r.sum, r.bucket AT TIME ZONE 'Europe/Helsinki' AS local
      FROM seen.reading_hourly r
     WHERE r.subject = ANY(:subjects::integer[])
       AND r.metric = ANY(:metrics::smallint[]) AND r.suspect < r.count AND r.sum > 0
       AND r.bucket >= :since::timestamptz AND r.bucket < :until::timestamptz),
binned AS (
    SELECT device, (local::date - :first::date) * 24 + extract(hour FROM local)::integer AS at,
           sum(sum)::bigint AS count
      FROM fired
     GROUP BY 1, 2),
by_device AS MATERIALIZED (
    SELECT device, array_agg(at) AS at, array_agg(count) AS counts FROM binned GROUP BY device)
SELECT coalesce(nullif(d.location, ''), d.name) AS place, b.at, b.counts
  FROM by_device b
  JOIN registry.device d ON d.id = b.device;

-- name: count_readings(subject, metrics, since, until)$
-- Struck-out readings are not in the sums; they are few.
SELECT coalesce(sum(d.count), 0)::bigint
  FROM seen.reading_daily d
 WHERE d.subject = :subject::integer AND d.metric = ANY(:metrics::smallint[])
   AND d.bucket > :since::timestamptz - INTERVAL '25 hours' AND d.bucket < :until::timestamptz;

-- name: exported_readings(subject, metrics, since, until, count)
-- Every reading, struck-out ones too.
SELECT r.time, r.metric, r.value, r.qualifier, r.state, r.received_at, r.device
  FROM seen.reading r
 WHERE r.subject = :subject::integer AND r.metric = ANY(:metrics::smallint[])
   AND r.time >= :since::timestamptz AND r.time < :until::timestamptz
 ORDER BY r.time, r.metric, r.device
 LIMIT :count::integer;

-- name: device_shown(device)^
-- A device is known by kind and place: names are typed by people.
SELECT kind, coalesce(location, '') AS place FROM registry.device WHERE id = :device::integer;

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

-- name: score_values(subject, metrics, since, until, resolution)
-- What NEWS2 is made of, two columns a metric: single readings, or the last one of each hour or day.
-- Of the three branches two are never begun.
WITH given AS (
    -- What a meter calls LO or HI is beyond every band.
    SELECT r.metric, r.time AS at,
           CASE r.qualifier WHEN 0 THEN r.value ELSE r.qualifier * float8 'Infinity' END AS value
      FROM seen.reading r
     WHERE :resolution::text = 'raw' AND r.subject = :subject::integer
       AND r.metric = ANY(:metrics::smallint[]) AND r.state = 0
       AND r.time >= :since::timestamptz AND r.time < :until::timestamptz
    UNION ALL
    SELECT h.metric, h.last_at, h.last
      FROM seen.reading_hourly h
     WHERE :resolution = 'hourly' AND h.subject = :subject
       AND h.metric = ANY(:metrics) AND h.suspect < h.count
       AND h.bucket >= :since AND h.bucket < :until
    UNION ALL
    SELECT d.metric, d.last_at, d.last
      FROM seen.reading_daily d
     WHERE :resolution = 'daily' AND d.subject = :subject
       AND d.metric = ANY(:metrics) AND d.suspect < d.count
       AND d.bucket >= :since AND d.bucket < :until)
SELECT metric, array_agg(extract(epoch FROM at)::double precision ORDER BY at) AS time,
       array_agg(value ORDER BY at) AS value
  FROM given
 GROUP BY metric;

-- name: air_by_plan(subject)$
-- Whether the care plan says that there is no oxygen in the home.
SELECT oxygen_prescribed IS FALSE FROM registry.client WHERE subject = :subject::integer;

-- name: nights(subjects, since, until, metric)
-- Hours in bed from 18 to 12 and risings from 22 to 6 in the county, by the day on which the night
-- ends. A stay in bed that nothing ended counts 16 hours at most.
WITH bed AS (
    SELECT r.time, r.value, r.time AT TIME ZONE 'Europe/Helsinki' AS local,
           lead(r.time) OVER (PARTITION BY r.device ORDER BY r.time) AS until
      FROM seen.reading r
     WHERE r.subject = ANY(:subjects::integer[]) AND r.metric = :metric::smallint AND r.state = 0
       AND r.time >= :since::timestamptz - INTERVAL '1 day' AND r.time < :until::timestamptz),
night AS (
    SELECT (local + INTERVAL '6 hours')::date AS day, value >= 0.5 AS lying, local,
           least(coalesce(until, :until), time + INTERVAL '16 hours') - time AS stay
      FROM bed
     WHERE extract(hour FROM local) NOT BETWEEN 12 AND 17)
SELECT day, coalesce(sum(extract(epoch FROM stay) / 3600) FILTER (WHERE lying), 0)::double precision
           AS in_bed_h,
       count(*) FILTER (WHERE NOT lying AND extract(hour FROM local) NOT BETWEEN 6 AND 21) AS risings
  FROM night
 WHERE day::timestamp AT TIME ZONE 'Europe/Helsinki' >= :since
   AND day::timestamp AT TIME ZONE 'Europe/Helsinki' < :until
 GROUP BY day
 ORDER BY day;

-- name: heard_by_day(subjects, since, until, first)
-- Readings by device and day of the county, days numbered from `first`, and the days on which the
-- device was there; a row for each time at which it was. Values that people entered come from none.
WITH counted AS (
    SELECT d.device, (d.bucket AT TIME ZONE 'Europe/Helsinki')::date - :first::date AS at,
           sum(d.count)::bigint AS count
      FROM seen.reading_daily d
     WHERE d.subject = ANY(:subjects::integer[])
       AND d.bucket >= :since::timestamptz AND d.bucket < :until::timestamptz
     GROUP BY 1, 2),
by_device AS MATERIALIZED (
    SELECT device, array_agg(at) AS at, array_agg(count) AS counts FROM counted GROUP BY device)
SELECT d.id, d.kind, coalesce(d.location, '') AS place,
       (lower(t.during) AT TIME ZONE 'Europe/Helsinki')::date - :first AS begins,
       ((upper(t.during) - INTERVAL '1 microsecond') AT TIME ZONE 'Europe/Helsinki')::date - :first
           AS ends,
       b.at, b.counts
  FROM (SELECT v.device, v.during * tstzrange(:since, :until) AS during
          FROM registry.assignment v
         WHERE v.subject = ANY(:subjects) AND v.during && tstzrange(:since, :until)) t
  JOIN registry.device d ON d.id = t.device
  LEFT JOIN by_device b ON b.device = d.id
 WHERE d.kind <> 'entered'
 ORDER BY d.kind, place, d.id, begins;

-- name: arrivals(subject, first, last)
-- The share of the home's numbered messages that are here, by the day of the message.
SELECT day, 100.0 * sum(received)::double precision / sum(expected) AS percent
  FROM seen.arrivals(:subject::integer)
 WHERE day BETWEEN :first::date AND :last::date
 GROUP BY day
HAVING sum(expected) > 0
 ORDER BY day;

-- name: week_means(subject, metrics, since, until)
-- The mean of seven days, each day; two columns a metric.
SELECT metric, array_agg(extract(epoch FROM bucket + INTERVAL '12 hours')::double precision
                         ORDER BY bucket) AS time,
       array_agg(mean ORDER BY bucket) AS mean
  FROM (SELECT d.metric, d.bucket, sum(sum(d.sum)) OVER w / sum(sum(d.count)) OVER w AS mean
          FROM seen.reading_daily d
         WHERE d.subject = :subject::integer AND d.metric = ANY(:metrics::smallint[])
           AND d.suspect < d.count
           AND d.bucket BETWEEN :since::timestamptz - INTERVAL '8 days' AND :until::timestamptz
         GROUP BY d.metric, d.bucket
        WINDOW w AS (PARTITION BY d.metric ORDER BY d.bucket
                     RANGE BETWEEN INTERVAL '6 days 2 hours' PRECEDING AND CURRENT ROW)) every_day
 WHERE bucket >= date_trunc('day', :since, 'Europe/Helsinki')
 GROUP BY metric;

-- name: alert_marks(subjects, since, until, count)
-- Alerts that stood in a time and called somebody, the newest first.
SELECT e.id, e.kind, e.highest AS severity, e.opened_at,
       coalesce(e.cleared_at, e.closed_at) AS ended_at, e.outcome
  FROM alerts.episode e
 WHERE e.subject = ANY(:subjects::integer[]) AND e.highest >= 2
   AND e.opened_at <= :until::timestamptz
   AND coalesce(e.cleared_at, e.closed_at, :until) >= :since::timestamptz
 ORDER BY e.opened_at DESC, e.id DESC
 LIMIT :count::integer;

-- name: visit_marks(subjects, since, until, count)
-- When somebody came because of an alert, or was with the client over a screen.
SELECT x.episode, x.at,
       CASE WHEN x.what = 'remote_visit' THEN 'remote_visit' ELSE 'arrived' END AS what
  FROM alerts.episode e
  JOIN alerts.episode_event x ON x.episode = e.id
 WHERE e.subject = ANY(:subjects::integer[])
   AND (x.what IN ('arrived', 'remote_visit')
        OR x.what = 'contacted' AND x.detail ->> 'how' = 'face_to_face')
   AND x.at >= :since::timestamptz AND x.at < :until::timestamptz
 ORDER BY x.at DESC, x.id DESC
 LIMIT :count::integer;

-- name: pause_marks(subject, since, until, count)
SELECT kind, since, until
  FROM registry.pause
 WHERE subject = :subject::integer AND NOT isempty(during)
   AND during && tstzrange(:since::timestamptz, :until::timestamptz)
 ORDER BY since DESC
 LIMIT :count::integer;
