-- name: lock_for_member(episode, member, now)^
-- The episode, if the member may see it; held until the end of the transaction.
SELECT e.id, e.version, e.kind, e.severity, e.cleared_at,
       e.acknowledged_at, e.acknowledged_by, e.acknowledged_until,
       (SELECT display_name FROM registry.member WHERE id = e.acknowledged_by) AS acknowledged_by_name,
       e.closed_at, e.closed_by, e.outcome, e.note,
       (SELECT display_name FROM registry.member WHERE id = e.closed_by) AS closed_by_name,
       (SELECT role FROM registry.member WHERE id = :member) AS role
  FROM alerts.episode e
 WHERE e.id = :episode
   AND registry.may_see(:member, e.subject, :now)
   FOR UPDATE OF e;

-- name: has_news(episode, seen)$
-- Whether the engine has added something since that event which a person must know of.
SELECT EXISTS (SELECT FROM alerts.episode_event
                WHERE episode = :episode AND id > :seen
                  AND what IN ('rose', 'updated', 'returned'));

-- name: standing(episode)^
-- Of an episode that is locked: the event that says a person was reached, and whether whoever has it
-- has said so since it was handed over to them.
SELECT alerts.contact_of(:episode) AS contact,
       coalesce((SELECT what <> 'handed_over' FROM alerts.episode_event
                  WHERE episode = :episode AND what IN ('acknowledged', 'renewed', 'handed_over', 'on_way', 'arrived')
                  ORDER BY id DESC LIMIT 1), true) AS confirmed;

-- name: acknowledge(episode, member, since, now, until)$
UPDATE alerts.episode
   SET acknowledged_at = :since, acknowledged_by = :member, acknowledged_until = :until,
       changed_at = :now, version = version + 1
 WHERE id = :episode
RETURNING version;

-- name: release(episode, now)$
UPDATE alerts.episode
   SET acknowledged_at = NULL, acknowledged_by = NULL, acknowledged_until = NULL,
       changed_at = :now, version = version + 1
 WHERE id = :episode
RETURNING version;

-- name: raise_version(episode, now)$
UPDATE alerts.episode SET changed_at = :now, version = version + 1 WHERE id = :episode
RETURNING version;

-- name: set_lease(episode, until)!
-- Its timer rests until then.
INSERT INTO alerts.timer AS t (episode, due_at) VALUES (:episode, :until)
ON CONFLICT (episode) DO UPDATE SET due_at = excluded.due_at;

-- name: end_timer(episode)!
DELETE FROM alerts.timer WHERE episode = :episode;

-- name: timer_round(episode)$
SELECT round FROM alerts.timer WHERE episode = :episode;

-- name: can_take(member)$
-- Whether it is somebody who works with clients.
SELECT EXISTS (SELECT FROM registry.member
                WHERE id = :member AND disabled_at IS NULL AND role NOT IN ('operator', 'administrator'));

-- name: called_besides(episode, besides)
-- Whom else somebody has called about it in the present round; null is the desk.
SELECT DISTINCT t.round, v.member
  FROM alerts.timer t
  JOIN alerts.episode_event v ON v.episode = t.episode AND v.what = 'called'
                             AND (v.detail ->> 'round')::int = t.round
 WHERE t.episode = :episode
   AND (v.member IS NULL OR v.member <> ALL(:besides::int[]));

-- name: close(episode, member, now, outcome, note)$
UPDATE alerts.episode
   SET closed_at = :now, closed_by = :member, outcome = :outcome, note = :note,
       changed_at = :now, version = version + 1
 WHERE id = :episode
RETURNING version;

-- name: record_event(episode, at, wall_at, what, member, detail)$
INSERT INTO alerts.episode_event (episode, at, wall_at, what, member, detail)
VALUES (:episode, :at, :wall_at, :what, :member, :detail)
RETURNING id;

-- name: notify(channel, ids)!
-- One wake-up for each changed episode, sent when the transaction commits.
SELECT pg_notify(:channel, id::text) FROM unnest(:ids::bigint[]) AS id;

-- name: is_service(service)$
SELECT EXISTS (SELECT FROM registry.team WHERE service = :service);

-- name: on_duty_for(episode, service, now)
-- Who is on duty for a team of a service that serves the client's area.
SELECT DISTINCT d.member
  FROM alerts.episode e
  JOIN registry.subject s ON s.id = e.subject
  LEFT JOIN registry.home h ON h.id = s.home
  JOIN registry.team_area ta ON ta.area = coalesce(h.area, s.area)
  JOIN registry.team t ON t.id = ta.team AND t.service = :service
  JOIN registry.shift d ON d.team = t.id AND d.during @> :now::timestamptz
  JOIN registry.member m ON m.id = d.member AND m.disabled_at IS NULL
                        AND m.role IN ('member', 'clinician')
 WHERE e.id = :episode
 ORDER BY d.member;

-- name: services(episode, now)
-- What can be asked about an episode, and for how many teams' members that are on duty now.
SELECT t.service, count(DISTINCT d.member)::int AS on_duty
  FROM registry.team t
  LEFT JOIN registry.shift d ON d.team = t.id AND d.during @> :now::timestamptz
   AND t.id IN (SELECT ta.team
                  FROM alerts.episode e
                  JOIN registry.subject s ON s.id = e.subject
                  LEFT JOIN registry.home h ON h.id = s.home
                  JOIN registry.team_area ta ON ta.area = coalesce(h.area, s.area)
                 WHERE e.id = :episode)
 GROUP BY t.service
 ORDER BY t.service;
