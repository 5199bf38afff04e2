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
