-- name: lock_for_member(episode, member, now)^
-- The episode, if the member may see it; held until the end of the transaction.
SELECT e.version, e.kind, e.severity,
       e.acknowledged_at, e.acknowledged_by,
       (SELECT display_name FROM registry.member WHERE id = e.acknowledged_by) AS acknowledged_by_name,
       e.closed_at, e.closed_by, e.outcome, e.note,
       (SELECT display_name FROM registry.member WHERE id = e.closed_by) AS closed_by_name
  FROM alerts.episode e
 WHERE e.id = :episode
   AND e.subject IN (SELECT subject FROM registry.visible_subjects(:member, :now))
   FOR UPDATE OF e;

-- name: has_news(episode, seen)$
-- Whether the engine has added something since that event which a person must know of.
SELECT EXISTS (SELECT FROM alerts.episode_event
                WHERE episode = :episode AND id > :seen
                  AND what IN ('rose', 'updated', 'returned'));

-- name: acknowledge(episode, member, now)$
UPDATE alerts.episode
   SET acknowledged_at = :now, acknowledged_by = :member, changed_at = :now, version = version + 1
 WHERE id = :episode
RETURNING version;

-- name: close(episode, member, now, outcome, note)$
UPDATE alerts.episode
   SET closed_at = :now, closed_by = :member, outcome = :outcome, note = :note,
       changed_at = :now, version = version + 1
 WHERE id = :episode
RETURNING version;

-- name: record_event(episode, at, wall_at, what, member, detail)!
INSERT INTO alerts.episode_event (episode, at, wall_at, what, member, detail)
VALUES (:episode, :at, :wall_at, :what, :member, :detail);

-- name: notify(channel, ids)!
-- One wake-up for each changed episode, sent when the transaction commits.
SELECT pg_notify(:channel, id::text) FROM unnest(:ids::bigint[]) AS id;
