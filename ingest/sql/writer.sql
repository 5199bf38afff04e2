-- One batch, one transaction. Arrays run in step; a key is one gateway's boot.

-- name: create_staged#
-- Lives as long as the connection; unlogged by nature, since temporary.
CREATE TEMP TABLE IF NOT EXISTS staged (
    time        timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    value       double precision NOT NULL,
    device      integer NOT NULL,
    subject     integer NOT NULL,
    metric      smallint NOT NULL,
    qualifier   smallint NOT NULL,
    state       smallint NOT NULL
) ON COMMIT DELETE ROWS;

-- name: lock_received(gateways, boots, seqs)
-- Hold the ledgers of the batch's keys until its end, in one order for all workers, and tell which
-- of the batch's messages were received before.
SELECT b.place::int AS place, nullif(r.seqs * b.seqs::int8multirange, '{}') AS again
  FROM telemetry.received r
  JOIN unnest(:gateways::int[], :boots::text[], :seqs::text[])
       WITH ORDINALITY b (gateway, boot, seqs, place)
    ON b.gateway = r.gateway AND b.boot = r.boot
 ORDER BY r.gateway, r.boot
   FOR UPDATE OF r;

-- name: begin_received(gateways, boots, now)!
-- Boots heard for the first time.
INSERT INTO telemetry.received (gateway, boot, seqs, first_at, last_at)
SELECT gateway, boot, '{}', :now, :now
  FROM unnest(:gateways::int[], :boots::text[]) b (gateway, boot)
 ORDER BY gateway, boot
ON CONFLICT DO NOTHING;

-- name: store_staged()
-- Store what is not there yet; the keys of what was. No key is in it twice.
WITH stored AS (
    INSERT INTO telemetry.reading
           (time, received_at, value, device, subject, metric, qualifier, state)
    SELECT time, received_at, value, device, subject, metric, qualifier, state
      FROM staged
    ON CONFLICT (device, metric, time) DO NOTHING
    RETURNING device, metric, time)
SELECT s.device, s.metric, s.time
  FROM staged s LEFT JOIN stored ON stored.device = s.device AND stored.metric = s.metric
                                AND stored.time = s.time
 WHERE stored.device IS NULL;

-- name: stored_instead(places, devices, metrics, times)
-- What is stored where these rows of the batch would have been.
SELECT b.place, r.value, r.qualifier, r.subject, r.received_at
  FROM unnest(:places::int[], :devices::int[], :metrics::smallint[], :times::timestamptz[])
       b (place, device, metric, time)
  JOIN telemetry.reading r USING (device, metric, time)
 ORDER BY b.place;

-- name: store_one(time, received_at, value, device, subject, metric, state)$
-- Store a life-safety event where there is room; null where its time is taken.
INSERT INTO telemetry.reading (time, received_at, value, device, subject, metric, qualifier, state)
VALUES (:time, :received_at, :value, :device, :subject, :metric, 0, :state)
ON CONFLICT (device, metric, time) DO NOTHING
RETURNING 1;

-- name: count_received(gateways, boots, seqs, announced, committed, duplicates, rejected, now, most)
-- Enter the batch into the ledgers; the highest ranges of each key as they are now.
UPDATE telemetry.received r
   SET seqs = r.seqs + CASE WHEN r.floor = 1 THEN b.seqs::int8multirange
                            ELSE b.seqs::int8multirange * int8multirange(int8range(r.floor, NULL))
                       END,
       late_below = r.late_below
           + CASE WHEN r.floor = 1 THEN 0
                  ELSE coalesce((SELECT sum(upper(u) - lower(u))
                                   FROM unnest(b.seqs::int8multirange
                                               * int8multirange(int8range(NULL, r.floor))) u), 0)
             END,
       announced = greatest(r.announced, b.announced),
       committed = r.committed + b.committed,
       duplicates = r.duplicates + b.duplicates,
       rejected = r.rejected + b.rejected,
       last_at = :now
  FROM unnest(:gateways::int[], :boots::text[], :seqs::text[], :announced::bigint[],
              :committed::bigint[], :duplicates::bigint[], :rejected::bigint[])
       WITH ORDINALITY b (gateway, boot, seqs, announced, committed, duplicates, rejected, place)
 WHERE r.gateway = b.gateway AND r.boot = b.boot
RETURNING b.place::int AS place,
          ARRAY(SELECT u FROM unnest(r.seqs) u ORDER BY u DESC LIMIT :most) AS ranges;

-- name: write_status(gateways, online, boots, heard_at)!
-- A will says that a gateway is gone, not that it was heard. Of two workers the later word stands.
INSERT INTO telemetry.gateway_status AS old (gateway, online, boot, heard_at, said_at)
SELECT gateway, online, boot, heard_at, heard_at
  FROM unnest(:gateways::int[], :online::boolean[], :boots::text[], :heard_at::timestamptz[])
       s (gateway, online, boot, heard_at)
 ORDER BY gateway
ON CONFLICT (gateway) DO UPDATE
   SET online = CASE WHEN old.said_at > excluded.said_at THEN old.online ELSE excluded.online END,
       boot = CASE WHEN old.said_at > excluded.said_at OR excluded.boot = '' THEN old.boot
                   ELSE excluded.boot END,
       heard_at = CASE WHEN excluded.online THEN greatest(old.heard_at, excluded.heard_at)
                       ELSE old.heard_at END,
       said_at = greatest(old.said_at, excluded.said_at);

-- name: write_notes(subjects, since, until, each_counts, noted_at)!
INSERT INTO telemetry.note (subject, since, until, each_counts, noted_at)
SELECT subject, since, until, each_counts, :noted_at
  FROM unnest(:subjects::int[], :since::timestamptz[], :until::timestamptz[],
              :each_counts::boolean[])
       n (subject, since, until, each_counts);

-- name: wake(channel)!
SELECT pg_notify(:channel, '');


-- name: stored_at(device, metric, time)^
SELECT value, qualifier, subject, received_at FROM telemetry.reading
 WHERE device = :device AND metric = :metric AND time = :time;

-- name: name_unknown(metrics, times, gateways, devices)!
-- What the wire called the devices of life-safety events that nobody knows.
INSERT INTO telemetry.unknown_device (metric, time, gateway, device)
SELECT * FROM unnest(:metrics::smallint[], :times::timestamptz[], :gateways::text[],
                     :devices::text[])
ON CONFLICT DO NOTHING;

-- name: hold(devices, metrics, times, user_indexes, states, now)!
-- Readings of shared devices, of which nobody can tell whose they are.
INSERT INTO telemetry.held (device, metric, time, user_index, state, held_at)
SELECT device, metric, time, user_index, state, :now
  FROM unnest(:devices::int[], :metrics::smallint[], :times::timestamptz[],
              :user_indexes::smallint[], :states::smallint[])
       h (device, metric, time, user_index, state)
ON CONFLICT DO NOTHING;
