-- Who is on duty when, at the desk.

-- name: rota_of(since, until)
SELECT s.id, s.team, s.member, m.display_name AS name, lower(s.during) AS start,
       upper(s.during) AS "end"
  FROM registry.shift s
  JOIN registry.member m ON m.id = s.member
 WHERE s.during && tstzrange(:since, :until)
 ORDER BY s.team, lower(s.during), s.id;

-- name: rota_teams_named()
SELECT t.id, t.name, t.service FROM registry.team t ORDER BY t.name, t.id;

-- name: rota_team(team)^
SELECT t.id, t.name, t.service FROM registry.team t WHERE t.id = :team;

-- name: shift_of(shift)^
SELECT s.id, s.team, s.member, m.display_name AS name, t.name AS team_name,
       lower(s.during) AS start, upper(s.during) AS "end"
  FROM registry.shift s
  JOIN registry.member m ON m.id = s.member
  JOIN registry.team t ON t.id = s.team
 WHERE s.id = :shift;

-- name: who_can_serve(team)
-- Members of the team first.
SELECT m.id, m.display_name AS name, tm.team IS NOT NULL AS of_team
  FROM registry.member m
  LEFT JOIN registry.team_member tm ON tm.member = m.id AND tm.team = :team
 WHERE m.disabled_at IS NULL AND m.role NOT IN ('operator', 'administrator')
 ORDER BY tm.team IS NULL, m.display_name, m.id;

-- name: change_rota(action, team, relieved, serving, since, until, why)$
SELECT registry.change_rota(:action, :team, :relieved, :serving, :since, :until, :why);

-- name: rota_changes_made(count)
SELECT c.at, c.why, m.display_name AS by, t.name AS team, r.display_name AS relieved,
       s.display_name AS serving, (c.detail ->> 'since')::timestamptz AS start,
       (c.detail ->> 'until')::timestamptz AS "end"
  FROM audit.change c
  LEFT JOIN registry.member m ON m.id = c.member
  LEFT JOIN registry.team t ON t.id = (c.detail ->> 'team')::int
  LEFT JOIN registry.member r ON r.id = (c.detail ->> 'relieved')::int
  LEFT JOIN registry.member s ON s.id = (c.detail ->> 'serving')::int
 WHERE c.what = 'rota'
 ORDER BY c.id DESC LIMIT :count;

-- name: rota_changed_by(action)$
SELECT true FROM audit.change WHERE action = :action AND what = 'rota';
