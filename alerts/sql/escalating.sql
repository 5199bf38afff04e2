-- name: begin_round(episodes, now)!
-- Everybody is called anew, from now on. The caller holds the episodes.
INSERT INTO alerts.timer AS t (episode, due_at)
SELECT episode, :now FROM unnest(:episodes::bigint[]) AS episode
ON CONFLICT (episode) DO UPDATE
   SET round = t.round + 1, calls = 0, reminders = 0, reminded_at = NULL, due_at = excluded.due_at;

-- name: claim_timers(now, most)
-- What is due, with its episode; what a higher cause explains waits until it does not. What another
-- worker or a member holds is passed over: it is looked at again in a moment.
SELECT t.episode, t.round, t.calls, t.reminders, t.reminded_at,
       e.subject, e.kind, e.severity, e.cleared_at IS NOT NULL AS cleared,
       e.acknowledged_at, e.acknowledged_by, e.acknowledged_until
  FROM alerts.timer t
  JOIN alerts.episode e ON e.id = t.episode
 WHERE t.due_at <= :now AND e.closed_at IS NULL AND NOT e.inhibited
 ORDER BY e.severity DESC, t.due_at
 LIMIT :most
   FOR UPDATE OF t, e SKIP LOCKED;

-- name: cases(episodes, now)
-- What routing must know of the client of each; of an area that is out, the teams that drive to it.
SELECT e.id AS episode, s.home IS NOT NULL OR s.area IS NOT NULL AS home,
       coalesce(h.area, s.area) AS area, h.latitude, h.longitude,
       coalesce((SELECT array_agg(DISTINCT cr.team)
                   FROM registry.subject c
                   JOIN registry.care_relationship cr ON cr.subject = c.id
                                                     AND cr.during @> :now::timestamptz
                  WHERE c.id = s.id OR (s.kind = 'home' AND c.home = s.home)),
                (SELECT array_agg(ta.team) FROM registry.team_area ta WHERE ta.area = s.area),
                '{}') AS teams
  FROM alerts.episode e
  LEFT JOIN registry.subject s ON s.id = e.subject
  LEFT JOIN registry.home h ON h.id = s.home
 WHERE e.id = ANY(:episodes::bigint[]);

-- name: routed_teams()
SELECT t.id, t.service, b.latitude, b.longitude,
       coalesce((SELECT array_agg(area) FROM registry.team_area ta WHERE ta.team = t.id), '{}')
         AS areas
  FROM registry.team t
  LEFT JOIN registry.area b ON b.id = t.base;

-- name: duties(now, alive_since)
-- Who is on duty, whether they can be reached, and what they have in hand. A member can be reached
-- whose page is open, or of whose channels one took the last message to them.
SELECT m.id AS member, d.teams,
       EXISTS (SELECT FROM audit.session u
                WHERE u.member = m.id AND u.ended_at IS NULL AND u.seen_at > :alive_since)
       OR (EXISTS (SELECT FROM registry.member_channel c
                    WHERE c.member = m.id AND c.disabled_at IS NULL)
           AND NOT coalesce((SELECT o.state = 'failed' FROM alerts.outbox o
                              WHERE o.member = m.id AND o.ended_at IS NOT NULL
                                AND o.state IN ('sent', 'delivered', 'failed')
                              ORDER BY o.id DESC LIMIT 1), false)) AS reachable,
       coalesce((SELECT array_agg(e.id) FROM alerts.episode e
                  WHERE e.acknowledged_by = m.id AND e.closed_at IS NULL
                    AND e.severity = 4 AND e.cleared_at IS NULL), '{}') AS emergencies,
       visit.latitude, visit.longitude
  FROM (SELECT member, array_agg(DISTINCT team) AS teams FROM registry.shift
         WHERE during @> :now::timestamptz GROUP BY member) d
  JOIN registry.member m ON m.id = d.member AND m.disabled_at IS NULL
  LEFT JOIN LATERAL (
        SELECT h.latitude, h.longitude
          FROM alerts.episode e
          JOIN registry.subject s ON s.id = e.subject
          JOIN registry.home h ON h.id = s.home
         WHERE e.acknowledged_by = m.id AND e.closed_at IS NULL
         ORDER BY e.acknowledged_at DESC LIMIT 1) visit ON true;

-- name: called(episodes, rounds, alive_since)
-- Who was called in the present round of each, and whether that got through; and who gave it back.
SELECT v.episode, v.member, v.at, v.what = 'released' AS declined,
       coalesce(bool_or(o.sent_at IS NOT NULL OR o.delivered_at IS NOT NULL
                        OR o.seen_at IS NOT NULL), false)
       OR EXISTS (SELECT FROM audit.session u
                   WHERE u.member = v.member AND u.ended_at IS NULL
                     AND u.seen_at > :alive_since) AS reached,
       coalesce(bool_or(o.seen_at IS NOT NULL), false) AS seen
  FROM unnest(:episodes::bigint[], :rounds::int[]) AS t(episode, round)
  JOIN alerts.episode_event v ON v.episode = t.episode AND v.what IN ('called', 'released')
                             AND (v.detail ->> 'round')::int = t.round
  LEFT JOIN alerts.outbox o ON o.episode = v.episode AND o.step = v.detail ->> 'message'
                           AND o.channel <> 'home'
                           AND coalesce(o.member, 0) = coalesce(v.member, 0)
 GROUP BY v.id;

-- name: set_timers(rows)!
UPDATE alerts.timer t
   SET round = c.round, calls = c.calls, reminders = c.reminders, reminded_at = c.reminded_at,
       due_at = c.due_at
  FROM jsonb_to_recordset(:rows::jsonb)
    AS c(episode bigint, round int, calls int, reminders int, reminded_at timestamptz,
         due_at timestamptz)
 WHERE t.episode = c.episode;

-- name: lapse(episodes, now)!
UPDATE alerts.episode
   SET acknowledged_at = NULL, acknowledged_by = NULL, acknowledged_until = NULL,
       changed_at = :now
 WHERE id = ANY(:episodes::bigint[]);

-- name: record_calls(rows, now, wall)!
INSERT INTO alerts.episode_event (episode, at, wall_at, what, member, detail)
SELECT c.episode, :now, :wall, c.what, c.member, c.detail
  FROM ROWS FROM (jsonb_to_recordset(:rows::jsonb)
                    AS (episode bigint, what text, member int, detail jsonb))
       WITH ORDINALITY AS c(episode, what, member, detail, place)
 ORDER BY c.place;

-- name: raise_versions(episodes)!
UPDATE alerts.episode SET version = version + 1 WHERE id = ANY(:episodes::bigint[]);

-- name: notify_rights(channel, payload)!
-- Somebody may see more from now on.
SELECT pg_notify(:channel, :payload);
