-- name: database_time()$
SELECT clock_timestamp();

-- name: heartbeats()
SELECT service, max(wall_at) AS wall_at FROM ops.heartbeat GROUP BY service ORDER BY service;

-- name: rule_files()
-- By which rules each alert worker goes; null: those that ship.
SELECT wall_at, detail ->> 'rule_digest' AS digest,
       coalesce(detail ->> 'rule_file', 'proposal ' || (detail ->> 'rule_proposal')) AS file,
       detail ->> 'rule_error' AS error
  FROM ops.heartbeat WHERE service = 'alerts' ORDER BY instance;

-- name: ingest_slots()
SELECT name, shared, draining, holder IS NOT NULL AS held, renewed_at FROM ops.ingest_slot
 ORDER BY length(name), name;
