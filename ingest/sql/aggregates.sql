-- Bringing the aggregates up to date from `telemetry.touched`.

-- name: touch(touched_at, since, until, readings)!
-- Readings that were stored; without `readings`, a stretch that is to be read again.
INSERT INTO telemetry.touched (touched_at, since, until, readings)
VALUES (:touched_at, :since, :until, :readings);

-- name: touched_waiting()^
SELECT count(*)::int AS entries, min(touched_at) AS oldest FROM telemetry.touched;

-- name: try_upkeep_lock()$
-- Held by the connection until it gives it back or ends, by death too.
SELECT pg_try_advisory_lock(7241013);

-- name: release_upkeep_lock()$
SELECT pg_advisory_unlock(7241013);

-- name: create_added#
CREATE TEMP TABLE IF NOT EXISTS added (
    subject integer NOT NULL, metric smallint NOT NULL, device integer NOT NULL,
    bucket bigint NOT NULL, count bigint NOT NULL, suspect bigint NOT NULL,
    sum double precision NOT NULL, min double precision NOT NULL, max double precision NOT NULL,
    last double precision NOT NULL,
    last_at bigint NOT NULL                  -- as bucket, microseconds since 1970
) ON COMMIT DELETE ROWS;

-- name: empty_added#
TRUNCATE pg_temp.added;

-- name: take_additions(most, most_bytes)
-- Readings to add, the oldest first: up to `most` entries, and no more once they are `most_bytes`.
-- Only one of us runs at a time, so nothing is skipped.
DELETE FROM telemetry.touched
 WHERE id IN (
       SELECT id
         FROM (SELECT id, sum(octet_length(readings)) OVER (ORDER BY id)
                          - octet_length(readings) AS before
                 FROM (SELECT id, readings FROM telemetry.touched
                        WHERE readings IS NOT NULL ORDER BY id LIMIT :most) AS oldest) AS summed
        WHERE before < :most_bytes)
RETURNING readings;

-- name: additions_wait()$
SELECT EXISTS (SELECT FROM telemetry.touched WHERE readings IS NOT NULL);

-- name: take_stretch()^
DELETE FROM telemetry.touched
 WHERE id = (SELECT id FROM telemetry.touched WHERE readings IS NULL ORDER BY id LIMIT 1)
RETURNING since, until, subject, device;

-- name: add_hourly()!
INSERT INTO telemetry.reading_hourly AS old
       (subject, metric, device, bucket, count, suspect, sum, min, max, last, last_at)
SELECT subject, metric, device, TIMESTAMPTZ 'epoch' + bucket * INTERVAL '1 microsecond', count,
       suspect, sum, min, max, last, TIMESTAMPTZ 'epoch' + last_at * INTERVAL '1 microsecond'
  FROM pg_temp.added
ON CONFLICT (subject, metric, bucket, device) DO UPDATE
   SET count = old.count + excluded.count, suspect = old.suspect + excluded.suspect,
       sum = old.sum + excluded.sum, min = least(old.min, excluded.min),
       max = greatest(old.max, excluded.max),
       last = CASE WHEN excluded.last_at > old.last_at THEN excluded.last ELSE old.last END,
       last_at = greatest(old.last_at, excluded.last_at);

-- name: add_daily()!
INSERT INTO telemetry.reading_daily AS old
       (subject, metric, device, bucket, count, suspect, sum, min, max, last, last_at)
SELECT subject, metric, device, TIMESTAMPTZ 'epoch' + bucket * INTERVAL '1 microsecond', count,
       suspect, sum, min, max, last, TIMESTAMPTZ 'epoch' + last_at * INTERVAL '1 microsecond'
  FROM pg_temp.added
ON CONFLICT (subject, metric, bucket, device) DO UPDATE
   SET count = old.count + excluded.count, suspect = old.suspect + excluded.suspect,
       sum = old.sum + excluded.sum, min = least(old.min, excluded.min),
       max = greatest(old.max, excluded.max),
       last = CASE WHEN excluded.last_at > old.last_at THEN excluded.last ELSE old.last END,
       last_at = greatest(old.last_at, excluded.last_at);

-- name: clear_hourly(since, until, subject, device)!
DELETE FROM telemetry.reading_hourly
 WHERE bucket >= :since AND bucket < :until
   AND (:subject::int IS NULL OR subject = :subject)
   AND (:device::int IS NULL OR device = :device);

-- name: reckon_hourly(since, until, subject, device)!
-- Whole hours anew, from what is stored.
INSERT INTO telemetry.reading_hourly
       (subject, metric, device, bucket, count, suspect, sum, min, max, last, last_at)
SELECT subject, metric, device, date_trunc('hour', time), count(*),
       count(*) FILTER (WHERE state = 1), sum(value), min(value), max(value),
       (array_agg(value ORDER BY time DESC))[1], max(time)
  FROM telemetry.reading
 WHERE time >= :since AND time < :until AND state <> 2
   AND (:subject::int IS NULL OR subject = :subject)
   AND (:device::int IS NULL OR device = :device)
 GROUP BY subject, metric, device, date_trunc('hour', time);

-- name: clear_daily(since, until, subject, device)!
DELETE FROM telemetry.reading_daily
 WHERE bucket >= :since AND bucket < :until
   AND (:subject::int IS NULL OR subject = :subject)
   AND (:device::int IS NULL OR device = :device);

-- name: reckon_daily(since, until, subject, device)!
INSERT INTO telemetry.reading_daily
       (subject, metric, device, bucket, count, suspect, sum, min, max, last, last_at)
SELECT subject, metric, device, date_trunc('day', time, 'Europe/Helsinki'), count(*),
       count(*) FILTER (WHERE state = 1), sum(value), min(value), max(value),
       (array_agg(value ORDER BY time DESC))[1], max(time)
  FROM telemetry.reading
 WHERE time >= :since AND time < :until AND state <> 2
   AND (:subject::int IS NULL OR subject = :subject)
   AND (:device::int IS NULL OR device = :device)
 GROUP BY subject, metric, device, date_trunc('day', time, 'Europe/Helsinki');

-- name: take_ranges(most)
-- For continuous aggregates: stretches to be refreshed, the oldest first.
SELECT id, since, until FROM telemetry.touched ORDER BY id LIMIT :most;

-- name: drop_touched(ids)!
DELETE FROM telemetry.touched WHERE id = ANY(:ids::bigint[]);

-- name: read_upkeep()^
SELECT removed_before, hours_refreshed, days_refreshed FROM telemetry.upkeep;

-- name: write_refreshed(hours, days)!
UPDATE telemetry.upkeep SET hours_refreshed = greatest(hours_refreshed, :hours),
                            days_refreshed = greatest(days_refreshed, :days);

-- name: refresh_hourly(since, until)!
CALL refresh_continuous_aggregate('telemetry.reading_hourly', :since::timestamptz,
                                  :until::timestamptz);

-- name: refresh_daily(since, until)!
CALL refresh_continuous_aggregate('telemetry.reading_daily', :since::timestamptz,
                                  :until::timestamptz);
