-- Figures about the whole system, for whoever scrapes a service.

-- name: beats()
SELECT service, max(wall_at) AS wall_at FROM ops.heartbeat GROUP BY service;

-- name: oldest_note()$
SELECT min(noted_at) FROM telemetry.note;

-- name: queues()^
-- Oldest entries are wall time.
SELECT (SELECT count(*) FROM telemetry.note) AS notes,
       (SELECT min(noted_at) FROM telemetry.note) AS oldest_note,
       (SELECT min(touched_at) FROM telemetry.touched) AS oldest_touched;

-- name: completeness_in_total()^
SELECT count(*) FILTER (WHERE percent IS NOT NULL) AS provable,
       count(*) FILTER (WHERE percent IS NULL) AS unprovable,
       coalesce(sum(expected), 0)::float8 AS expected, coalesce(sum(missing), 0)::float8 AS missing
  FROM telemetry.completeness_of_gateway;
