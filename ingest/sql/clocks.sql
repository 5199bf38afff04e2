-- Devices whose clocks are wrong. Arrays run in step.

-- name: note_clocks(devices, faults, seconds, seen_at, corrected, refused, jumps)!
INSERT INTO telemetry.device_clock AS old
       (device, fault, seconds, since, seen_at, corrected, refused, jumps)
SELECT device, fault, seconds, seen_at, seen_at, corrected, refused, jumps
  FROM unnest(:devices::int[], :faults::text[], :seconds::float8[], :seen_at::timestamptz[],
              :corrected::bigint[], :refused::bigint[], :jumps::int[])
       c (device, fault, seconds, seen_at, corrected, refused, jumps)
 ORDER BY device
ON CONFLICT (device) DO UPDATE
   SET fault = excluded.fault, seconds = excluded.seconds,
       since = CASE WHEN old.fault = excluded.fault THEN old.since ELSE excluded.since END,
       seen_at = greatest(old.seen_at, excluded.seen_at),
       corrected = old.corrected + excluded.corrected,
       refused = old.refused + excluded.refused,
       jumps = old.jumps + excluded.jumps + (abs(old.seconds - excluded.seconds) > 300)::int;

-- name: write_corrected_times(devices, metrics, times, device_times, faults)!
INSERT INTO telemetry.corrected_time (device, metric, time, device_time, fault)
SELECT * FROM unnest(:devices::int[], :metrics::smallint[], :times::timestamptz[],
                     :device_times::float8[], :faults::text[])
ON CONFLICT DO NOTHING;

-- name: list_clocks(since, most)
-- Devices whose clocks were found wrong since then, the most readings first.
SELECT g.name AS gateway, d.name AS device, c.fault, c.seconds, c.since, c.seen_at, c.corrected,
       c.refused, c.jumps
  FROM telemetry.device_clock c
  JOIN registry.device d ON d.id = c.device
  LEFT JOIN registry.gateway g ON g.id = d.gateway
 WHERE c.seen_at >= :since
 ORDER BY c.corrected + c.refused DESC, c.device LIMIT :most;
