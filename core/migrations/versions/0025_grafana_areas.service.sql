-- How the service itself does, for the dashboard of operations; no client, gateway or person.

CREATE VIEW grafana.worker WITH (security_barrier) AS
SELECT service, instance, wall_at AS beat_at,
       extract(epoch FROM clock_timestamp() - wall_at)::double precision AS age_s
  FROM ops.heartbeat;

-- What waits: how much, and for how long at most (wall time).
CREATE VIEW grafana.waiting WITH (security_barrier) AS
SELECT 'notes' AS what, count(*) AS count,
       coalesce(extract(epoch FROM clock_timestamp() - min(noted_at)), 0)::double precision AS age_s
  FROM telemetry.note
UNION ALL
SELECT 'aggregates', count(*),
       coalesce(extract(epoch FROM clock_timestamp() - min(touched_at)), 0)::double precision
  FROM telemetry.touched
UNION ALL
SELECT 'messages', count(*), NULL FROM alerts.outbox WHERE state = 'waiting';

CREATE VIEW grafana.rejected_day WITH (security_barrier) AS
SELECT day, reason, known, sum(count)::bigint AS count, sum(kept)::bigint AS kept
  FROM telemetry.rejected_count GROUP BY day, reason, known;

-- By the day of the message, of gateways that number theirs.
CREATE VIEW grafana.completeness_day WITH (security_barrier) AS
SELECT a.code AS area, c.day, sum(c.expected)::bigint AS expected, sum(c.received)::bigint AS received,
       count(DISTINCT c.gateway) AS gateways
  FROM grafana.counted_area a
  JOIN registry.home h ON h.area = a.id
  JOIN registry.gateway g ON g.home = h.id
  JOIN telemetry.completeness c ON c.gateway = g.id
 WHERE c.day IS NOT NULL
 GROUP BY a.code, c.day;

-- Gateways as they were heard last.
CREATE VIEW grafana.gateway_heard WITH (security_barrier) AS
SELECT a.code AS area, count(*) AS gateways, count(*) FILTER (WHERE t.online) AS online
  FROM grafana.counted_area a
  JOIN registry.home h ON h.area = a.id
  JOIN registry.gateway g ON g.home = h.id AND g.revoked_at IS NULL
  LEFT JOIN telemetry.gateway_status t ON t.gateway = g.id
 GROUP BY a.code;

-- All that gateways with numbered messages have sent.
CREATE VIEW grafana.received_total WITH (security_barrier) AS
SELECT sum(committed)::bigint AS committed, sum(duplicates)::bigint AS duplicates,
       sum(rejected)::bigint AS rejected, max(last_at) AS last_at
  FROM telemetry.received;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA grafana FROM PUBLIC;
