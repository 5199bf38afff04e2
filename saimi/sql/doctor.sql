-- name: database_time()$
SELECT clock_timestamp();

-- name: heartbeats()
SELECT service, max(wall_at) AS wall_at FROM ops.heartbeat GROUP BY service ORDER BY service;
