-- name: visible_to(subjects)
-- Which of these subjects each member may see for whom the transaction acts; null: of those whom
-- open episodes are about. Who may see nothing is not among the rows.
SELECT member, subjects FROM seen.by_member(:subjects::integer[]);

-- name: record_looks(members, subjects, what, detail, purpose, wall)!
INSERT INTO audit.access (wall_at, member, subject, what, detail, purpose)
SELECT :wall::timestamptz, l.member, l.subject, :what::text, :detail::jsonb, :purpose::text
  FROM unnest(:members::integer[], :subjects::integer[]) AS l(member, subject);

-- name: open_episodes(subjects)
SELECT id FROM alerts.episode WHERE closed_at IS NULL AND subject = ANY(:subjects::integer[]);

-- name: break_glass(given, family, born, reason)$
SELECT audit.break_glass(:given, :family, :born, :reason);

-- name: broken_glass(count)
-- What was opened, the newest first: the caller's own, or for the desk everybody's. The name while
-- the caller may see the client.
SELECT b.id, b.subject, m.display_name AS member, b.reason, lower(b.during) AS since,
       upper(b.during) AS until, b.during @> ops.now() AS open, s.pseudonym,
       c.given_name || ' ' || c.family_name AS name
  FROM registry.broken_glass b
  JOIN registry.member m ON m.id = b.member
  LEFT JOIN registry.client c ON c.subject = b.subject
  LEFT JOIN registry.subject s ON s.id = c.subject
 ORDER BY b.id DESC LIMIT :count;

-- name: open_glass(subject)$
SELECT audit.open_glass(:subject);

-- name: kept_subjects(episode, since)
-- Whose data the caller's phone was given with an alert, to be looked at out of reach.
SELECT subject FROM audit.kept_subjects(:episode, :since);
