-- What a measurement asks the database.

-- name: settled()$
-- Readings that ingest has dealt with, whatever became of them.
SELECT coalesce(sum(committed + duplicates + rejected), 0)::bigint FROM telemetry.received;

-- name: outcome()^
-- What was stored, and in how many transactions: each wrote its notes at one instant.
SELECT (SELECT count(*) FROM telemetry.reading) AS stored,
       (SELECT coalesce(sum(committed), 0) FROM telemetry.received)::bigint AS committed,
       (SELECT coalesce(sum(upper(u) - lower(u)), 0)
          FROM telemetry.received, unnest(seqs) u)::bigint AS messages,
       (SELECT count(DISTINCT noted_at) FROM telemetry.note) AS transactions;

-- name: backends()
-- The server's processes that work for ingest.
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND backend_type = 'client backend' AND application_name LIKE 'saimi%';
