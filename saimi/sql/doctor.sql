-- name: database_time()$
SELECT clock_timestamp();

-- name: heartbeats()
SELECT service, max(wall_at) AS wall_at FROM ops.heartbeat GROUP BY service ORDER BY service;

-- name: ingest_slots()
SELECT name, shared, draining, holder IS NOT NULL AS held, renewed_at FROM ops.ingest_slot
 ORDER BY length(name), name;
