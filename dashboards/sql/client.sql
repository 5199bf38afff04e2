-- The panels of the client's dashboard. Grafana fills in `$__…` and `${client}` before it sends a
-- query; the tests fill them in the same way and run every one of them.

-- name: clients
-- The variable `client`.
SELECT client AS __text, client AS __value FROM grafana.client ORDER BY client;

-- name: vital_sign
-- One vital sign: mean, lowest and highest per bucket, so that a short dip survives a long range.
SELECT date_bin(make_interval(secs => $__interval_ms / 1000.0), r.time, TIMESTAMPTZ '2000-01-01')
           AS time,
       avg(r.value) AS "${mean}",
       min(r.value) AS "${lowest}",
       max(r.value) AS "${highest}"
  FROM grafana.reading r
 WHERE r.client = ${client:sqlstring} AND r.metric = '${metric}' AND NOT r.suspect
   AND $__timeFilter(r.time)
 GROUP BY 1
 ORDER BY 1;

-- name: activity
-- How often the sensors of each room fired, per hour of local time.
SELECT date_trunc('hour', r.time, 'Europe/Helsinki') AS time,
       coalesce(nullif(r.location, ''), r.device_kind) AS metric,
       count(*)::double precision AS value
  FROM grafana.reading r
 WHERE r.client = ${client:sqlstring} AND r.metric IN ('motion', 'door') AND r.value >= 1
   AND $__timeFilter(r.time)
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: newest
-- The newest value of everything that is measured, with its age.
SELECT DISTINCT ON (r.metric)
       r.metric AS "${metric_title}",
       CASE r.qualifier WHEN -1 THEN '< ' WHEN 1 THEN '> ' ELSE '' END || round(r.value::numeric, 1)
           || ' ' || r.unit AS "${value_title}",
       r.time AS "${time_title}"
  FROM grafana.reading r
 WHERE r.client = ${client:sqlstring} AND r.kind IN ('vital', 'body', 'context') AND NOT r.suspect
   AND $__timeFilter(r.time)
 ORDER BY r.metric, r.time DESC;

-- name: alerts
-- Alerts as annotations: from opening to closing.
SELECT a.opened_at AS time, a.closed_at AS timeend, a.kind AS text,
       'severity ' || a.severity AS tags
  FROM grafana.alert a
 WHERE a.client = ${client:sqlstring} AND $__timeFilter(a.opened_at)
 ORDER BY 1;
