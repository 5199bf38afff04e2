-- How long a client's data is kept, for the desk; whoever else asks is shown nothing.

-- name: past_clients(count)
SELECT p.ended, p.held, s.pseudonym, c.given_name, c.family_name, c.born
  FROM seen.past_clients(:count) p
  JOIN registry.client c ON c.subject = p.subject
  JOIN registry.subject s ON s.id = p.subject
 ORDER BY p.ended, p.subject;

-- name: retention_of(subject)
SELECT class, duty_until, duty_until <= ops.now() AS over, source
  FROM seen.retention_of(:subject);

-- name: hold_of(subject)^
SELECT ended, held, held_by, held_at FROM seen.hold_of(:subject);

-- name: set_hold(action, subject, holding, why)$
SELECT registry.set_hold(:action, :subject, :holding, :why);

-- name: erase(action, subject, of_class, why)$
SELECT audit.erase(:action, :subject, :of_class, :why);

-- name: retention_changes(subject, count)
SELECT c.at, m.display_name AS member, c.what, c.detail, c.why
  FROM audit.change c LEFT JOIN registry.member m ON m.id = c.member
 WHERE c.subject = :subject AND c.what IN ('hold', 'erasure')
 ORDER BY c.id DESC LIMIT :count;
