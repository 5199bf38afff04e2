-- Slots: sessions at the broker and the workers that use them.

-- name: decide_slots(key)^
-- Decisions about slots are made one at a time, until the end of the transaction.
SELECT pg_advisory_xact_lock(:key);

-- name: slots(service)
SELECT name, shared, draining, holder, beats FROM ops.ingest_slot
 WHERE service = :service ORDER BY length(name), name;

-- name: await_slot(name)
-- Wait for what its holder is storing at this moment.
SELECT name FROM ops.ingest_slot WHERE name = :name FOR UPDATE;

-- name: claim_slot(name, service, shared, holder, now)!
INSERT INTO ops.ingest_slot AS old (name, service, shared, holder, renewed_at)
VALUES (:name, :service, :shared, :holder, :now)
ON CONFLICT (name) DO UPDATE
   SET shared = excluded.shared, draining = false, holder = excluded.holder,
       beats = old.beats + 1, renewed_at = excluded.renewed_at;

-- name: renew_slots(holder, hears, now)
-- The slots that are still the holder's; `hears` is 1 if it hears the broker, else 0.
UPDATE ops.ingest_slot
   SET beats = beats + :hears::int,
       renewed_at = CASE WHEN :hears::int = 1 THEN :now ELSE renewed_at END
 WHERE holder = :holder
RETURNING name;

-- name: take_over_slot(name, holder, beats, heir, now)$
-- To read its session to the end; null if it lives or is storing something, or if the heir has lost
-- its own slot.
WITH still AS (
    SELECT name FROM ops.ingest_slot
     WHERE name = :name AND holder IS NOT DISTINCT FROM :holder::uuid AND beats = :beats
       AND EXISTS (SELECT FROM ops.ingest_slot o WHERE o.holder = :heir AND NOT o.draining)
       FOR UPDATE SKIP LOCKED)
UPDATE ops.ingest_slot s
   SET holder = :heir, draining = true, beats = s.beats + 1, renewed_at = :now
  FROM still WHERE s.name = still.name
RETURNING s.name;

-- name: hold_slots(holder)
-- The slots that are the holder's, and stay so until the end of the transaction.
SELECT name FROM ops.ingest_slot WHERE holder = :holder ORDER BY name FOR KEY SHARE;

-- name: end_storing(application)
-- End what is stored under the name. A process that is frozen while it prepares a statement, or in
-- the middle of a COPY, would keep its locks: no timeout of the server runs there.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name = :application AND usename = current_user
   AND datname = current_database();

-- name: remove_slot(name, holder)!
-- Its session has ended.
WITH removed AS (
    DELETE FROM ops.ingest_slot WHERE name = :name AND holder = :holder RETURNING name)
DELETE FROM ops.heartbeat h USING removed r WHERE h.service = 'ingest' AND h.instance = r.name;

-- name: give_back_slots(holder, now)!
UPDATE ops.ingest_slot SET holder = NULL, renewed_at = :now WHERE holder = :holder;
