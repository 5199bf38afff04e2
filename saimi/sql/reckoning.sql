-- What the senders' ledgers say against what the database holds.

-- name: create_sent#
CREATE TEMP TABLE sent (gateway text, boot text, seq bigint, device text, metric text,
                        time timestamptz, value float8);

-- name: empty_sent#
TRUNCATE sent;

-- name: judge_sent()^
-- Each reading of a chunk: stored with its value, else kept with the rejected, else lost.
SELECT count(*) FILTER (WHERE r.time IS NOT NULL) AS stored,
       count(*) FILTER (WHERE r.time IS NULL AND kept.found) AS rejected,
       count(*) FILTER (WHERE r.time IS NULL AND NOT kept.found) AS lost
  FROM sent s
  LEFT JOIN registry.gateway g ON g.name = s.gateway
  LEFT JOIN registry.device d ON d.gateway = g.id AND d.name = s.device
  LEFT JOIN telemetry.metric m ON m.name = s.metric
  LEFT JOIN telemetry.reading r ON r.device = d.id AND r.metric = m.id AND r.time = s.time
                               AND abs(r.value - s.value) <= 1e-9 * abs(s.value)
  CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM telemetry.rejected j
                                      WHERE r.time IS NULL AND j.gateway = s.gateway
                                        AND j.boot = s.boot AND j.seq = s.seq
                                        AND (j.record IS NULL  -- the message as a whole
                                             OR (j.record->>'device' = s.device
                                                 AND j.record->>'metric' = s.metric
                                                 AND abs((j.record->>'time')::float8
                                                         - extract(epoch FROM s.time)) < 1e-5))
                                    ) AS found) kept;

-- name: counters()^
-- What ingest counted in all, once for each message.
SELECT coalesce(sum(committed), 0)::bigint AS committed,
       coalesce(sum(duplicates), 0)::bigint AS duplicates,
       coalesce(sum(rejected), 0)::bigint AS rejected
  FROM telemetry.received;

-- name: last_episode()$
SELECT coalesce(max(id), 0) FROM alerts.episode;

-- name: episodes_since(episode)
SELECT id FROM alerts.episode WHERE id > :episode;

-- name: notes_waiting()$
SELECT count(*) FROM telemetry.note;

-- name: counters_of(gateways)^
-- What ingest counted of these gateways, and what is stored of their devices.
SELECT coalesce(sum(r.committed), 0)::bigint AS committed,
       coalesce(sum(r.duplicates), 0)::bigint AS duplicates,
       coalesce(sum(r.rejected), 0)::bigint AS rejected,
       (SELECT count(*) FROM telemetry.reading t
         WHERE t.device IN (SELECT d.id FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway
                             WHERE g.name = ANY (:gateways::text[]))) AS stored
  FROM telemetry.received r JOIN registry.gateway g ON g.id = r.gateway
 WHERE g.name = ANY (:gateways::text[]);

-- name: rejected_of(gateways)
SELECT reason, count(*) AS count FROM telemetry.rejected
 WHERE gateway = ANY (:gateways::text[]) GROUP BY reason ORDER BY reason;
