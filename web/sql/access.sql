-- name: visible_to(subjects)
-- Which of these subjects each member may see for whom the transaction acts; those who see the same
-- are together, and who may see nothing is not among the rows.
SELECT members, subject AS subjects FROM seen.by_member(:subjects::integer[]);

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
