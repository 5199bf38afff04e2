-- The lookout: calls for help overtake a backlog.

-- name: hold_digest(digest)!
-- The two copies of a call, one after the other.
SELECT pg_advisory_xact_lock(1511282, hashtext(encode(:digest::bytea, 'hex')));

-- name: take_copy(digest, early, since)$
-- Whether the other copy of this call was stored before; it is taken away.
DELETE FROM ops.call_copy
 WHERE ctid = (SELECT ctid FROM ops.call_copy
                WHERE digest = :digest AND early <> :early AND seen_at > :since
                ORDER BY seen_at LIMIT 1)
RETURNING true;

-- name: leave_copy(digest, early, seen_at)!
INSERT INTO ops.call_copy (digest, early, seen_at) VALUES (:digest, :early, :seen_at);

-- name: forget_copies(early, before)!
DELETE FROM ops.call_copy WHERE early = :early AND seen_at < :before;

-- name: am_behind(service)!
SELECT pg_advisory_lock_shared(1511280, hashtext(:service));

-- name: look_out(service)$
-- Whether nobody else does.
SELECT pg_try_advisory_lock(1511281, hashtext(:service));

-- name: caught_up(service)!
SELECT pg_advisory_unlock_shared(1511280, hashtext(:service)),
       pg_advisory_unlock(1511281, hashtext(:service));

-- name: forget_if_all_caught_up(service)$
-- While no worker is behind, no copy is still to come: what is left would take a later call for one.
WITH nobody AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(1511280, hashtext(:service)) AS behind),
gone AS (DELETE FROM ops.call_copy WHERE (SELECT behind FROM nobody) AND early RETURNING 1)
SELECT count(*)::int FROM gone;
