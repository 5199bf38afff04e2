-- The dashboard of operations: how the service itself does.

-- name: workers
SELECT service AS "${service}", instance AS "${instance}", beat_at AS "${beat}", age_s AS "${age}"
  FROM grafana.worker
 ORDER BY 1, 2;

-- name: waiting
SELECT what AS "${what}", count AS "${count}", age_s AS "${age}" FROM grafana.waiting ORDER BY 1;

-- name: received
SELECT committed AS "${committed}", duplicates AS "${duplicates}", rejected AS "${rejected}",
       last_at AS "${heard}"
  FROM grafana.received_total;

-- name: rejected_by_day
SELECT day::timestamp AT TIME ZONE 'Europe/Helsinki' AS time, reason AS metric,
       sum(count)::double precision AS value
  FROM grafana.rejected_day
 WHERE day BETWEEN ($__timeFrom()::timestamptz AT TIME ZONE 'Europe/Helsinki')::date
               AND ($__timeTo()::timestamptz AT TIME ZONE 'Europe/Helsinki')::date
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: completeness_by_day
SELECT day::timestamp AT TIME ZONE 'Europe/Helsinki' AS time, area AS metric,
       100.0 * received::double precision / nullif(expected, 0) AS value
  FROM grafana.completeness_day
 WHERE day BETWEEN ($__timeFrom()::timestamptz AT TIME ZONE 'Europe/Helsinki')::date
               AND ($__timeTo()::timestamptz AT TIME ZONE 'Europe/Helsinki')::date
 ORDER BY 1, 2;

-- name: gateways
SELECT area AS "${area}", gateways AS "${gateways}", online AS "${online}"
  FROM grafana.gateway_heard
 ORDER BY 1;
