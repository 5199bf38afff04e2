-- name: emergency_home(episode)^
SELECT h.latitude, h.longitude
  FROM alerts.episode e
  JOIN registry.subject s ON s.id = e.subject
  JOIN registry.home h ON h.id = s.home
 WHERE e.id = :episode;

-- name: emergency_people(subjects)
SELECT subject, conditions, oxygen_prescribed FROM registry.client
 WHERE subject = ANY(:subjects::int[]);

-- name: colleagues(episode, member, now)
-- To whom an episode can be handed over: members of the client's teams, of teams that serve the
-- area, whoever is on duty there, and the desk; on duty first.
WITH place AS (
    SELECT s.id, s.home, h.area
      FROM alerts.episode e
      JOIN registry.subject s ON s.id = e.subject
      LEFT JOIN registry.home h ON h.id = s.home
     WHERE e.id = :episode
), near AS (
    SELECT ta.team FROM registry.team_area ta JOIN place p ON p.area = ta.area
)
SELECT m.id, m.username, m.display_name, m.role,
       EXISTS (SELECT FROM registry.shift sh
                WHERE sh.member = m.id AND sh.during @> :now::timestamptz) AS on_duty
  FROM registry.member m
 WHERE m.disabled_at IS NULL AND m.role NOT IN ('operator', 'administrator') AND m.id <> :member
   AND (m.role = 'coordinator'
        OR m.id IN (SELECT member FROM registry.acting
                     WHERE team IN (SELECT team FROM near) AND during @> :now::timestamptz))
 ORDER BY on_duty DESC, m.role = 'coordinator', m.display_name
 LIMIT 200;

-- name: member_named(username)$
SELECT id FROM registry.member WHERE username = :username;
