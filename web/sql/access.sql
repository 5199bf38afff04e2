-- name: visible_to(members, subjects, now)
-- Which of these subjects each of these members may see. Members of the same teams see the same, so
-- it is asked once for all of them; who may see nothing is not among the rows.
WITH asking AS (
    SELECT m.id,
           CASE WHEN m.role = 'coordinator' THEN '{}'
                ELSE array(SELECT t.team FROM registry.team_member t
                            WHERE t.member = m.id ORDER BY t.team) END AS teams
      FROM registry.member m
     WHERE m.id = ANY(:members::integer[]) AND m.disabled_at IS NULL
       AND (m.role = 'coordinator'
            OR EXISTS (SELECT FROM registry.team_member t WHERE t.member = m.id))
), alike AS (
    SELECT array_agg(id) AS members, min(id) AS one FROM asking GROUP BY teams
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
