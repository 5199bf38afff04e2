-- The county's desk. Every query is a coordinator's: for anybody else rows are missing.

-- name: desk_open()
-- What is open, without anybody's name.
SELECT e.id, e.kind, e.severity, e.opened_at, coalesce(h.area, s.area) AS area,
       e.cleared_at IS NOT NULL AS cleared, e.acknowledged_at IS NOT NULL AS taken,
       e.inhibited AS explained,
       CASE WHEN e.acknowledged_at IS NULL
            THEN (SELECT max(v.at) FROM alerts.episode_event v
                   WHERE v.episode = e.id
                     AND (v.what IN ('released', 'lapsed') OR v.detail ? 'acknowledgement_ended'))
        END AS given_back_at
  FROM alerts.episode e
  JOIN registry.subject s ON s.id = e.subject
  LEFT JOIN registry.home h ON h.id = s.home
 WHERE e.closed_at IS NULL;

-- name: desk_areas()
SELECT id, name FROM registry.area ORDER BY name;

-- name: desk_called(episodes)
-- Who was called last about each; null: the desk.
SELECT DISTINCT ON (v.episode) v.episode, v.at, m.display_name AS name
  FROM alerts.episode_event v
  LEFT JOIN registry.member m ON m.id = v.member
 WHERE v.episode = ANY(:episodes::bigint[]) AND v.what = 'called'
 ORDER BY v.episode, v.id DESC;

-- name: desk_members(members)
-- Which of these are of the desk still.
SELECT id FROM registry.member
 WHERE id = ANY(:members::int[]) AND role = 'coordinator' AND disabled_at IS NULL;

-- name: desk_places()
-- Areas, where they are, and how many homes with a gateway each has.
SELECT a.id, a.name, a.latitude, a.longitude, count(DISTINCT h.id)::int AS homes
  FROM registry.area a
  LEFT JOIN (registry.home h JOIN registry.gateway g ON g.home = h.id AND g.revoked_at IS NULL)
    ON h.area = a.id
 GROUP BY a.id
 ORDER BY a.name, a.id;

-- name: desk_out()
-- Homes that an outage has silenced.
SELECT DISTINCT h.id AS home, h.area
  FROM alerts.lost_gateway l
  JOIN registry.gateway g ON g.id = l.gateway AND g.revoked_at IS NULL
  JOIN registry.home h ON h.id = g.home;

-- name: desk_silences()
-- What is silent, without anybody's name.
SELECT e.id, e.severity, e.opened_at, h.id AS home, h.area, s.kind = 'home' AS of_home,
       e.summary, e.acknowledged_at IS NOT NULL AS taken
  FROM alerts.episode e
  JOIN registry.subject s ON s.id = e.subject
  JOIN registry.home h ON h.id = s.home
 WHERE e.kind = 'silence' AND e.closed_at IS NULL AND e.cleared_at IS NULL;

-- name: desk_outages()
-- Power or network out, of areas, of the county or Saimi's own; the gravest first.
SELECT e.id, e.severity, e.opened_at, s.area, e.summary, e.acknowledged_at IS NOT NULL AS taken
  FROM alerts.episode e
  JOIN registry.subject s ON s.id = e.subject
 WHERE e.kind = 'outage' AND e.closed_at IS NULL AND e.cleared_at IS NULL
 ORDER BY e.inhibited, e.severity DESC, e.opened_at, e.id;
