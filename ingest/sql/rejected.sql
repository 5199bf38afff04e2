-- name: list_rejected(gateway, reason, most)
-- The newest first; null asks for every gateway, every reason.
SELECT id, received_at, gateway, topic, reason, detail, record, size, boot, seq
  FROM telemetry.rejected
 WHERE gateway = coalesce(:gateway::text, gateway) AND reason = coalesce(:reason::text, reason)
 ORDER BY id DESC LIMIT :most;

-- name: count_rejected(gateway, reason)
-- All that came, and what is kept of it now; what was tried again is kept under the reason it has
-- now, so there may be rows that were never counted under it.
SELECT gateway, reason, coalesce(c.count, k.kept)::bigint AS count,
       coalesce(k.kept, 0)::bigint AS kept, coalesce(c.first_at, k.first_at) AS first_at,
       coalesce(c.last_at, k.last_at) AS last_at
  FROM (SELECT gateway, reason, sum(count) AS count, min(first_at) AS first_at,
               max(last_at) AS last_at
          FROM telemetry.rejected_count GROUP BY gateway, reason) c
  FULL JOIN (SELECT gateway, reason, count(*) AS kept, min(received_at) AS first_at,
                    max(received_at) AS last_at
               FROM telemetry.rejected GROUP BY gateway, reason) k USING (gateway, reason)
 WHERE gateway = coalesce(:gateway::text, gateway) AND reason = coalesce(:reason::text, reason)
 ORDER BY count DESC, gateway, reason;

-- name: last_rejected()$
SELECT coalesce(max(id), 0) FROM telemetry.rejected;

-- name: take_rejected(gateway, reason, after, until, never, most)
-- To be tried again; held until the end of the transaction. Cut-off payloads cannot be.
SELECT id, received_at, gateway, topic, record, payload, size, boot, seq
  FROM telemetry.rejected
 WHERE id > :after AND id <= :until
   AND gateway = coalesce(:gateway::text, gateway) AND reason = coalesce(:reason::text, reason)
   AND reason <> ALL(:never::text[])
   AND (record IS NOT NULL OR octet_length(payload) = size)
 ORDER BY id LIMIT :most
   FOR UPDATE SKIP LOCKED;

-- name: drop_rejected(ids)!
WITH gone AS (
    DELETE FROM telemetry.rejected WHERE id = ANY(:ids::bigint[]) RETURNING charged, bytes)
UPDATE telemetry.rejected_quota q SET rows = q.rows - g.rows, bytes = q.bytes - g.bytes
  FROM (SELECT charged, count(*) AS rows, sum(bytes) AS bytes FROM gone GROUP BY charged) g
 WHERE q.gateway = g.charged;

-- name: recount_received(gateway, boot, seq, committed, duplicates, rejected)*!
-- A message that was counted as rejected has come to something else. While its gateway was unknown
-- it was counted under number 0.
UPDATE telemetry.received r
   SET committed = r.committed + :committed, duplicates = r.duplicates + :duplicates,
       rejected = r.rejected + :rejected
 WHERE r.seqs @> :seq::bigint
   AND (   (r.gateway = 0 AND r.boot = :gateway::text || '/' || :boot::text)
        OR (r.boot = :boot AND r.gateway = (SELECT id FROM registry.gateway
                                             WHERE name = :gateway AND id <> 0)));

-- name: delete_rejected(before, most)$
-- Expired ones; the gateways they were charged to have room again.
WITH gone AS (
    DELETE FROM telemetry.rejected
     WHERE id IN (SELECT id FROM telemetry.rejected WHERE received_at < :before
                   ORDER BY received_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING charged, bytes),
room AS (
    UPDATE telemetry.rejected_quota q SET rows = q.rows - g.rows, bytes = q.bytes - g.bytes
      FROM (SELECT charged, count(*) AS rows, sum(bytes) AS bytes FROM gone GROUP BY charged) g
     WHERE q.gateway = g.charged)
SELECT count(*)::int FROM gone;

-- name: retries()
-- Gateways of which somebody has asked to try again what was rejected.
SELECT gateway, asked_at FROM telemetry.retry ORDER BY asked_at;

-- name: retried(gateway, asked_at)!
DELETE FROM telemetry.retry WHERE gateway = :gateway AND asked_at = :asked_at;
