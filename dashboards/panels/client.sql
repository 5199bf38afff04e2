-- The panels of the client's dashboard. Grafana fills in `$__…` and `${client:sqlstring}` before it
-- sends a query (the tests do the same); `${raw}`, `${hourly}` and `${daily}` are conditions on the
-- range, of which one holds: the aggregate that fits (dashboards/queries.py). Readings are asked for by
-- the metric's number: by its name all of a client's readings would be read first.

-- name: client_areas
SELECT DISTINCT area_name AS __text, area AS __value FROM grafana.client ORDER BY 1;

-- name: clients
SELECT client AS __text, client AS __value FROM grafana.client
 WHERE area IN (${area:sqlstring}) ORDER BY client;

-- name: rooms
SELECT DISTINCT coalesce(nullif(location, ''), device_kind) AS __text
  FROM grafana.device
 WHERE client = ${client:sqlstring} AND device_kind IN ('motion', 'door')
 ORDER BY 1;

-- name: vital_sign
-- Mean, lowest and highest per bucket, so that a short dip survives a long range. Aggregates count
-- doubtful values in; a bucket of nothing else is left out.
SELECT date_bin(make_interval(secs => $__interval_ms / 1000.0), r.time, TIMESTAMPTZ '2000-01-01')
           AS time,
       avg(r.value) AS "${mean}", min(r.value) AS "${lowest}", max(r.value) AS "${highest}"
  FROM grafana.reading r
 WHERE r.client = ${client:sqlstring} AND r.metric_id = ${metric_id} AND NOT r.suspect
   AND $__timeFilter(r.time) AND ${raw}
 GROUP BY 1
UNION ALL
SELECT r.bucket, sum(r.sum) / sum(r.count), min(r.min), max(r.max)
  FROM grafana.reading_hourly r
 WHERE r.client = ${client:sqlstring} AND r.metric_id = ${metric_id} AND r.suspect < r.count
   AND $__timeFilter(r.bucket) AND ${hourly}
 GROUP BY 1
UNION ALL
SELECT r.bucket, sum(r.sum) / sum(r.count), min(r.min), max(r.max)
  FROM grafana.reading_daily r
 WHERE r.client = ${client:sqlstring} AND r.metric_id = ${metric_id} AND r.suspect < r.count
   AND $__timeFilter(r.bucket) AND ${daily}
 GROUP BY 1
 ORDER BY 1;

-- name: band
-- The range in which this client's values are expected, from edge to edge.
SELECT x.time, coalesce(b.low, b.possible_low) AS "${band_low}",
       coalesce(b.high, b.possible_high) AS "${band_high}"
  FROM grafana.band b, (VALUES ($__timeFrom()::timestamptz), ($__timeTo()::timestamptz)) x(time)
 WHERE b.client = ${client:sqlstring} AND b.metric = '${metric}'
 ORDER BY 1;

-- name: trend
-- The mean of seven days, each day.
SELECT d.time, d.trend AS "${trend}"
  FROM (SELECT r.bucket AS time,
               sum(sum(r.sum)) OVER w / sum(sum(r.count)) OVER w AS trend
          FROM grafana.reading_daily r
         WHERE r.client = ${client:sqlstring} AND r.metric_id = ${metric_id} AND r.suspect < r.count
           AND r.bucket BETWEEN $__timeFrom()::timestamptz - INTERVAL '8 days'
                            AND $__timeTo()::timestamptz
         GROUP BY r.bucket
        WINDOW w AS (ORDER BY r.bucket RANGE BETWEEN INTERVAL '6 days 2 hours' PRECEDING
                                             AND CURRENT ROW)) d
 WHERE d.time >= date_trunc('day', $__timeFrom()::timestamptz, 'Europe/Helsinki')
 ORDER BY 1;

-- name: scores
-- Part of the next two. NEWS2 at each moment at which one of its parameters was measured, from the
-- newest values that are still valid: what is missing is missing. Beyond three days from the last
-- value of each hour, beyond two months of each day.
WITH given AS (
    SELECT r.time, r.metric, r.value
      FROM grafana.reading r
     WHERE r.client = ${client:sqlstring} AND r.metric_id IN (${parameter_ids}) AND NOT r.suspect
       AND r.time BETWEEN $__timeFrom()::timestamptz - INTERVAL '1 day' AND $__timeTo()::timestamptz
       AND ${raw}
    UNION ALL
    SELECT r.last_at, r.metric, r.last
      FROM grafana.reading_hourly r
     WHERE r.client = ${client:sqlstring} AND r.metric_id IN (${parameter_ids}) AND r.suspect < r.count
       AND r.bucket BETWEEN $__timeFrom()::timestamptz - INTERVAL '1 day'
                        AND $__timeTo()::timestamptz
       AND ${hourly}
    UNION ALL
    SELECT r.last_at, r.metric, r.last
      FROM grafana.reading_daily r
     WHERE r.client = ${client:sqlstring} AND r.metric_id IN (${parameter_ids}) AND r.suspect < r.count
       AND r.bucket BETWEEN $__timeFrom()::timestamptz - INTERVAL '1 day'
                        AND $__timeTo()::timestamptz
       AND ${daily}),
scale AS MATERIALIZED (
    -- Looked for once; else whose client it is would be asked again for each moment.
    SELECT scale, air_by_plan FROM grafana.news2_scale WHERE client = ${client:sqlstring}),
newest AS (
    -- Of an array the time is compared first, so the highest one so far is the newest value.
    SELECT g.time, extract(epoch FROM g.time)::double precision AS at,
           ${newest}
      FROM given g
    WINDOW w AS (ORDER BY g.time)),
valid AS (
    SELECT n.time, s.scale,
           ${valid},
           s.air_by_plan
      FROM newest n
     CROSS JOIN scale s
     WHERE $__timeFilter(n.time)),
known AS (
    SELECT v.time, v.scale, ${values},
           CASE WHEN v.air_by_plan THEN coalesce(v.oxygen_flow, 0) ELSE v.oxygen_flow END
               AS oxygen_flow
      FROM valid v)

-- name: news2
${scores}
SELECT date_bin(make_interval(secs => $__interval_ms / 1000.0), k.time, TIMESTAMPTZ '2000-01-01')
           AS time,
       max(${low})::double precision AS "${at_least}",
       max(${high})::double precision AS "${at_most}"
  FROM known k
 GROUP BY 1
 ORDER BY 1;

-- name: missing
-- By parameter: 1 known, 0 missing; in a bucket what was the case longest is not asked, only whether
-- it was known at its end.
${scores}
SELECT DISTINCT ON (bucket) bucket AS time, ${missing}
  FROM (SELECT date_bin(make_interval(secs => $__interval_ms / 1000.0), k.time,
                        TIMESTAMPTZ '2000-01-01') AS bucket, k.*
          FROM known k) k
 ORDER BY bucket, k.time DESC;

-- name: activity
-- How often the sensors of a room fired: a day a column, an hour (Europe/Helsinki) a row. What the
-- local hour is takes longer to tell than to add up, so it is told once for each row. The room's
-- sensors are looked for first: the index tells their rows from those of other rooms, and of a year
-- every row that is read lies on a page of its own.
WITH fired AS MATERIALIZED (
    SELECT r.bucket AT TIME ZONE 'Europe/Helsinki' AS local, r.sum
      FROM grafana.reading_hourly r
     WHERE r.client = ${client:sqlstring} AND r.metric_id IN (${movement_ids})
       AND r.device = ANY (ARRAY(
           SELECT d.device FROM grafana.device d
            WHERE d.client = ${client:sqlstring}
              AND coalesce(nullif(d.location, ''), d.device_kind) = ${room:sqlstring}))
       AND $__timeFilter(r.bucket)),
by_hour AS MATERIALIZED (
    SELECT local::date AS day, extract(hour FROM local)::integer AS hour, sum(sum) AS fired
      FROM fired GROUP BY 1, 2)
SELECT day::timestamp AT TIME ZONE 'Europe/Helsinki' AS time, ${hours}
  FROM by_hour
 GROUP BY day
 ORDER BY 1;

-- name: nights
-- Hours in bed from 18 to 12 and risings from 22 to 6 (Europe/Helsinki), on the day on which the
-- night ends. A stay in bed that nothing ended counts 16 hours at most.
WITH bed AS (
    SELECT r.time, r.value, r.time AT TIME ZONE 'Europe/Helsinki' AS local,
           lead(r.time) OVER (PARTITION BY r.device ORDER BY r.time) AS until
      FROM grafana.reading r
     WHERE r.client = ${client:sqlstring} AND r.metric_id = ${bed_id} AND NOT r.suspect
       AND r.time BETWEEN $__timeFrom()::timestamptz - INTERVAL '1 day' AND $__timeTo()::timestamptz),
night AS (
    SELECT (local + INTERVAL '6 hours')::date AS day, value >= 0.5 AS lying, local,
           least(coalesce(until, $__timeTo()::timestamptz), time + INTERVAL '16 hours') - time AS stay
      FROM bed
     WHERE extract(hour FROM local) NOT BETWEEN 12 AND 17)
SELECT day::timestamp AT TIME ZONE 'Europe/Helsinki' AS time,
       sum(extract(epoch FROM stay) / 3600) FILTER (WHERE lying)::double precision AS "${in_bed}",
       count(*) FILTER (WHERE NOT lying AND extract(hour FROM local) NOT BETWEEN 6 AND 21)
           ::double precision AS "${risings}"
  FROM night
 WHERE $__timeFilter((day::timestamp AT TIME ZONE 'Europe/Helsinki'))
 GROUP BY day
 ORDER BY 1;

-- name: night_movement
-- Movement from 22 to 6, on the day on which the night ends, by room.
SELECT date_trunc('day', r.bucket + INTERVAL '2 hours', 'Europe/Helsinki') AS time,
       coalesce(nullif(r.location, ''), r.device_kind) AS metric,
       sum(r.sum)::double precision AS value
  FROM grafana.reading_hourly r
 WHERE r.client = ${client:sqlstring} AND r.metric_id IN (${movement_ids})
   AND extract(hour FROM r.bucket AT TIME ZONE 'Europe/Helsinki') NOT BETWEEN 6 AND 21
   AND $__timeFilter(r.bucket)
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: devices
-- Readings a day by device; nought where it was not heard at all on a day on which it was there.
SELECT d.day AS time, v.device_kind || ' ' || v.device || coalesce(', ' || nullif(v.location, ''), '')
           AS metric,
       coalesce(sum(r.count), 0)::double precision AS value
  FROM grafana.device v
 CROSS JOIN LATERAL (
       SELECT l AT TIME ZONE 'Europe/Helsinki' AS day
         FROM generate_series(
              date_trunc('day', $__timeFrom()::timestamptz AT TIME ZONE 'Europe/Helsinki'),
              $__timeTo()::timestamptz AT TIME ZONE 'Europe/Helsinki', INTERVAL '1 day') l) d
  LEFT JOIN grafana.reading_daily r
         ON r.client = ${client:sqlstring} AND r.device = v.device AND r.bucket = d.day
        AND r.bucket BETWEEN $__timeFrom()::timestamptz - INTERVAL '25 hours'
                         AND $__timeTo()::timestamptz
 WHERE v.client = ${client:sqlstring} AND v.during && tstzrange(d.day, d.day + INTERVAL '1 day')
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: messages
-- The share of the gateway's numbered messages that are here, by the day of the message.
SELECT c.day::timestamp AT TIME ZONE 'Europe/Helsinki' AS time,
       100.0 * c.received::double precision / nullif(c.expected, 0) AS "${arrived}"
  FROM grafana.completeness(${client:sqlstring}) c
 WHERE c.day BETWEEN ($__timeFrom()::timestamptz AT TIME ZONE 'Europe/Helsinki')::date
               AND ($__timeTo()::timestamptz AT TIME ZONE 'Europe/Helsinki')::date
 ORDER BY 1;

-- name: newest
SELECT n.metric AS "${metric_title}",
       CASE n.qualifier WHEN -1 THEN '< ' WHEN 1 THEN '> ' ELSE '' END
           || round(n.value::numeric, n.decimals) || ' ' || n.unit AS "${value_title}",
       n.time AS "${time_title}"
  FROM grafana.newest(${client:sqlstring}, $__timeFrom()::timestamptz, $__timeTo()::timestamptz) n
 ORDER BY 1;

-- name: client_alerts
SELECT a.opened_at AS "${opened}", a.kind AS "${kind}", a.highest AS "${severity}",
       a.acknowledge_s AS "${to_acknowledge}", a.contact_s AS "${to_contact}",
       a.close_s AS "${to_close}", a.outcome AS "${outcome}", a.pages AS "${pages}",
       a.id AS "${alert}"
  FROM grafana.alert a
 WHERE a.client = ${client:sqlstring} AND $__timeFilter(a.opened_at)
 ORDER BY 1 DESC;

-- name: alerts
-- Alerts as marks: from opening to when the values were back.
SELECT a.opened_at AS time, coalesce(a.cleared_at, a.closed_at) AS timeend,
       a.kind || ' (' || a.highest || ')' AS text, 'alert,' || a.kind AS tags
  FROM grafana.alert a
 WHERE a.client = ${client:sqlstring} AND a.calls AND $__timeFilter(a.opened_at)
 ORDER BY 1;

-- name: visits
SELECT v.at AS time, NULL::timestamptz AS timeend, v.kind || ': ' || v.how AS text, 'visit' AS tags
  FROM grafana.visit v
 WHERE v.client = ${client:sqlstring} AND $__timeFilter(v.at)
 ORDER BY 1;

-- name: pauses
SELECT p.since AS time, p.until AS timeend, p.kind AS text, 'pause' AS tags
  FROM grafana.pause p
 WHERE p.client = ${client:sqlstring} AND p.since <= $__timeTo()::timestamptz
   AND p.until >= $__timeFrom()::timestamptz
 ORDER BY 1;
