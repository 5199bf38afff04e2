-- name: visible_to(members, now)
-- Whom each of these members may see, in one query for all open pages.
SELECT m.id AS member, array_agg(v.subject) AS subjects
  FROM unnest(:members::integer[]) AS m(id)
 CROSS JOIN LATERAL registry.visible_subjects(m.id, :now::timestamptz) AS v
 GROUP BY m.id;

-- name: record_looks(members, subjects, what, detail, purpose, wall)!
INSERT INTO audit.access (wall_at, member, subject, what, detail, purpose)
SELECT :wall::timestamptz, l.member, l.subject, :what::text, :detail::jsonb, :purpose::text
  FROM unnest(:members::integer[], :subjects::integer[]) AS l(member, subject);

-- name: open_episodes(subjects)
SELECT id FROM alerts.episode WHERE closed_at IS NULL AND subject = ANY(:subjects::integer[]);
