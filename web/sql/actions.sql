-- name: forget_actions(before)!
DELETE FROM alerts.action WHERE wall_at < :before;

-- name: begin_action(id, member, digest, made_at, ahead, wall)$
-- The action's number, unless it was used before; whoever uses it just now is waited for.
INSERT INTO alerts.action (id, member, digest, made_at, ahead, wall_at)
VALUES (:id, :member, :digest, :made_at, :ahead, :wall)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: action(id)^
SELECT member, digest, status, sentence FROM alerts.action WHERE id = :id;

-- name: refuse_action(id, status, sentence)!
UPDATE alerts.action SET status = :status, sentence = :sentence WHERE id = :id;
