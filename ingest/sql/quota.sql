-- What is kept of the refused, and how much is counted. Arrays run in step.

-- name: open_quotas(gateways)!
INSERT INTO telemetry.rejected_quota (gateway)
SELECT g FROM unnest(:gateways::int[]) g ORDER BY g ON CONFLICT DO NOTHING;

-- name: lock_quotas(gateways)
SELECT gateway, rows, bytes FROM telemetry.rejected_quota
 WHERE gateway = ANY(:gateways::int[]) ORDER BY gateway FOR UPDATE;

-- name: used_quota()^
SELECT coalesce(sum(rows), 0)::bigint AS rows, coalesce(sum(bytes), 0)::bigint AS bytes
  FROM telemetry.rejected_quota;

-- name: charge_quotas(charged, bytes)!
UPDATE telemetry.rejected_quota q SET rows = q.rows + c.rows, bytes = q.bytes + c.bytes
  FROM (SELECT charged, count(*) AS rows, sum(bytes) AS bytes
          FROM unnest(:charged::int[], :bytes::int[]) c (charged, bytes) GROUP BY charged) c
 WHERE q.gateway = c.charged;

-- name: keep_rejected(received_at, gateways, topics, reasons, details, records, payloads, sizes, boots, seqs, charged, bytes)!
INSERT INTO telemetry.rejected
       (received_at, gateway, topic, reason, detail, record, payload, size, boot, seq, charged,
        bytes)
SELECT received_at, gateway, topic, reason, detail, record::jsonb, payload, size, boot, seq,
       charged, bytes
  FROM unnest(:received_at::timestamptz[], :gateways::text[], :topics::text[], :reasons::text[],
              :details::text[], :records::text[], :payloads::bytea[], :sizes::int[],
              :boots::text[], :seqs::bigint[], :charged::int[], :bytes::int[])
       r (received_at, gateway, topic, reason, detail, record, payload, size, boot, seq, charged,
          bytes);

-- name: count_refused(gateways, reasons, days, known, counts, kept, first_at, last_at, most)!
WITH told AS (
    SELECT CASE WHEN t.known OR room.left
                  OR EXISTS (SELECT FROM telemetry.rejected_count c
                              WHERE c.gateway = t.gateway AND c.reason = t.reason AND c.day = t.day)
                THEN t.gateway ELSE '(others)' END AS name, t.*
      FROM unnest(:gateways::text[], :reasons::text[], :days::date[], :known::boolean[],
                  :counts::bigint[], :kept::bigint[], :first_at::timestamptz[],
                  :last_at::timestamptz[])
           t (gateway, reason, day, known, count, kept, first_at, last_at)
     CROSS JOIN (SELECT count(*) < :most AS left FROM telemetry.rejected_count
                  WHERE NOT known AND day = ANY(:days::date[])) room)
INSERT INTO telemetry.rejected_count AS old
       (gateway, reason, day, known, count, kept, first_at, last_at)
SELECT name, reason, day, bool_and(known), sum(count), sum(kept), min(first_at), max(last_at)
  FROM told GROUP BY name, reason, day ORDER BY name, reason, day
    ON CONFLICT (gateway, reason, day) DO UPDATE
   SET count = old.count + excluded.count, kept = old.kept + excluded.kept,
       first_at = least(old.first_at, excluded.first_at),
       last_at = greatest(old.last_at, excluded.last_at);

-- name: forget_counts(before, most)$
WITH gone AS (
    DELETE FROM telemetry.rejected_count
     WHERE ctid = ANY(ARRAY(SELECT ctid FROM telemetry.rejected_count
                             WHERE day < (:before AT TIME ZONE 'Europe/Helsinki')::date
                             LIMIT :most))
    RETURNING 1)
SELECT count(*)::int FROM gone;
