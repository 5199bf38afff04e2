-- A member alone in a home, and when the desk is told that they have not said that they are out.

-- name: start_alone(member, episode, now, due_at)!
INSERT INTO alerts.alone AS a (member, episode, since, due_at)
VALUES (:member, :episode, :now, :due_at)
ON CONFLICT (member) DO UPDATE
   SET episode = excluded.episode, due_at = excluded.due_at, told = 0,
       since = CASE WHEN a.episode = excluded.episode THEN a.since ELSE excluded.since END;

-- name: end_alone(member)^
DELETE FROM alerts.alone WHERE member = :member RETURNING episode, since, due_at, told;

-- name: alone(member)^
SELECT a.episode, a.since, a.due_at, a.told
  FROM alerts.alone a
 WHERE a.member = :member;

-- name: claim_alone(now, most)
-- Who should have said by now that they are out; what another worker holds is passed over.
SELECT a.member, a.episode, a.since, a.due_at, a.told, e.severity
  FROM alerts.alone a
  JOIN alerts.episode e ON e.id = a.episode
 WHERE a.due_at <= :now
 ORDER BY a.due_at
 LIMIT :most
   FOR UPDATE OF a, e SKIP LOCKED;

-- name: told_alone(member, due_at)!
UPDATE alerts.alone SET told = told + 1, due_at = :due_at WHERE member = :member;
