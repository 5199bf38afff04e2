-- Removing what is older than it is to be kept, in slices: each is a transaction of its own.

-- name: write_removed(before)$
UPDATE telemetry.upkeep SET removed_before = greatest(removed_before, :before)
RETURNING removed_before;

-- name: delete_readings(before, most)$
WITH gone AS (
    DELETE FROM telemetry.reading
     WHERE ctid = ANY(ARRAY(SELECT ctid FROM telemetry.reading WHERE time < :before LIMIT :most))
    RETURNING 1)
SELECT count(*)::int FROM gone;

-- name: drop_chunks(before)$
SELECT count(*)::int FROM drop_chunks('telemetry.reading', older_than => :before::timestamptz);

-- name: forget_held(before, most)$
WITH gone AS (
    DELETE FROM telemetry.held
     WHERE ctid = ANY(ARRAY(SELECT ctid FROM telemetry.held WHERE time < :before LIMIT :most))
    RETURNING 1)
SELECT count(*)::int FROM gone;

-- name: forget_times(before, most)$
WITH gone AS (
    DELETE FROM telemetry.corrected_time
     WHERE ctid = ANY(ARRAY(SELECT ctid FROM telemetry.corrected_time
                             WHERE time < :before LIMIT :most))
    RETURNING 1)
SELECT count(*)::int FROM gone;

-- name: forget_unknown(before, most)$
WITH gone AS (
    DELETE FROM telemetry.unknown_device
     WHERE ctid = ANY(ARRAY(SELECT ctid FROM telemetry.unknown_device
                             WHERE time < :before LIMIT :most))
    RETURNING 1)
SELECT count(*)::int FROM gone;
