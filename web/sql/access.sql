-- name: visible_to(members, subjects, now)
-- Which of these subjects each of these members may see. Members of one role and the same teams, by
-- membership or by being on duty, see the same, so it is asked once for all of them; but who was
-- called sees that alert alone, so they are asked for by themselves. Who may see nothing is not
-- among the rows.
WITH asking AS (
    SELECT m.id, m.role,
           array(SELECT DISTINCT a.team FROM registry.acting a
                  WHERE a.member = m.id AND a.during @> :now::timestamptz
                  ORDER BY 1) AS teams,
           CASE WHEN EXISTS (SELECT FROM alerts.episode_event v
                              WHERE v.member = m.id AND v.what = 'called')
                THEN m.id END AS called
      FROM registry.member m
     WHERE m.id = ANY(:members::integer[]) AND m.disabled_at IS NULL
), alike AS (
    SELECT array_agg(id) AS members, min(id) AS one FROM asking GROUP BY role, teams, called
)
SELECT alike.members, array_agg(v.subject) AS subjects
  FROM alike
 CROSS JOIN LATERAL registry.visible_subjects(alike.one, :now::timestamptz) AS v
 WHERE v.subject = ANY(:subjects::integer[])
 GROUP BY alike.members;

-- name: record_looks(members, subjects, what, detail, purpose, wall)!
INSERT INTO audit.access (wall_at, member, subject, what, detail, purpose)
SELECT :wall::timestamptz, l.member, l.subject, :what::text, :detail::jsonb, :purpose::text
  FROM unnest(:members::integer[], :subjects::integer[]) AS l(member, subject);

-- name: open_subjects()
-- Whom open episodes are about: a home's are about its clients as well.
SELECT e.subject FROM alerts.episode e WHERE e.closed_at IS NULL
 UNION
SELECT c.id
  FROM alerts.episode e
  JOIN registry.subject h ON h.id = e.subject AND h.kind = 'home'
  JOIN registry.subject c ON c.home = h.home AND c.kind = 'client'
 WHERE e.closed_at IS NULL;

-- name: open_episodes(subjects)
SELECT id FROM alerts.episode WHERE closed_at IS NULL AND subject = ANY(:subjects::integer[]);
