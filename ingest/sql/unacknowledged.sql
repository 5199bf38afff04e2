-- Packets that were committed and perhaps not acknowledged.

-- name: note_unacknowledged(session, arrival, mids, digests)!
INSERT INTO ops.unacknowledged (session, arrival, mids, digests)
VALUES (:session, :arrival, :mids, :digests)
ON CONFLICT (session, arrival) DO UPDATE
   SET mids = ops.unacknowledged.mids || excluded.mids,
       digests = ops.unacknowledged.digests || excluded.digests;

-- name: forget_acknowledged(session, until)!
DELETE FROM ops.unacknowledged WHERE session = :session AND arrival <= :until;

-- name: list_unacknowledged(session)
SELECT mids, digests FROM ops.unacknowledged WHERE session = :session ORDER BY arrival;
