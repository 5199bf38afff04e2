-- Figures about the whole system, for whoever scrapes a service.

-- name: beats()
SELECT service, max(wall_at) AS wall_at FROM ops.heartbeat GROUP BY service;

-- name: oldest_note()$
SELECT min(noted_at) FROM telemetry.note;

-- name: queues()^
-- Oldest entries are wall time.
SELECT notes, oldest_note, oldest_touched FROM ops.queues;

-- name: completeness_in_total()^
SELECT provable, unprovable, expected, missing FROM ops.completeness;
