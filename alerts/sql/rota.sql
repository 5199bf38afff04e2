-- name: lock_rota()!
-- Imports run one after the other; whoever asks who is on duty is not held up.
SELECT pg_advisory_xact_lock(7241004);

-- name: rota_teams(names)
SELECT id, name FROM registry.team WHERE name = ANY(:names::text[]);

-- name: rota_members(usernames)
SELECT id, username, role, disabled_at IS NOT NULL AS disabled
  FROM registry.member WHERE username = ANY(:usernames::text[]);

-- name: shifts_from(teams, since)
-- The shifts of these teams that are not over, with those that have begun.
SELECT s.id, t.name AS team, m.username AS member, lower(s.during) AS start, upper(s.during) AS "end"
  FROM registry.shift s
  JOIN registry.team t ON t.id = s.team
  JOIN registry.member m ON m.id = s.member
 WHERE s.team = ANY(:teams::int[]) AND s.during && tstzrange(:since, NULL)
 ORDER BY t.name, lower(s.during), m.username;

-- name: remove_shifts(ids)!
DELETE FROM registry.shift WHERE id = ANY(:ids::int[]);

-- name: end_shifts(ids, now)!
-- What has been served stays on record.
UPDATE registry.shift SET during = tstzrange(lower(during), :now) WHERE id = ANY(:ids::int[]);

-- name: add_shifts(teams, members, starts, ends)!
INSERT INTO registry.shift (team, member, during)
SELECT t.id, m.id, tstzrange(s.start, s."end")
  FROM unnest(:teams::text[], :members::text[], :starts::timestamptz[], :ends::timestamptz[])
    AS s(team, member, start, "end")
  JOIN registry.team t ON t.name = s.team
  JOIN registry.member m ON m.username = s.member;

-- name: on_duty(at)
SELECT t.name AS team, m.username AS member, m.display_name, lower(s.during) AS start,
       upper(s.during) AS "end"
  FROM registry.shift s
  JOIN registry.team t ON t.id = s.team
  JOIN registry.member m ON m.id = s.member
 WHERE s.during @> :at::timestamptz
 ORDER BY t.name, lower(s.during), m.username;

-- name: rota_changes(teams, now)
-- What the desk changed of these teams' rota that is not over, in the order in which it was changed.
SELECT t.name AS team, r.username AS relieved, s.username AS serving, c.start, c."end"
  FROM (SELECT id, (detail ->> 'team')::int AS team, (detail ->> 'relieved')::int AS relieved,
               (detail ->> 'serving')::int AS serving, (detail ->> 'since')::timestamptz AS start,
               (detail ->> 'until')::timestamptz AS "end"
          FROM audit.change WHERE what = 'rota') c
  JOIN registry.team t ON t.id = c.team AND t.id = ANY(:teams::int[])
  LEFT JOIN registry.member r ON r.id = c.relieved
  LEFT JOIN registry.member s ON s.id = c.serving
 WHERE c."end" > :now
 ORDER BY c.id;
