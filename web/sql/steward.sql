-- What is decided at the desk, and what was.

-- name: plan(subject)^
-- A client's plan, with the digest by which a change says what it was made from.
SELECT plan, md5(plan::text) AS digest, audit.may_plan(:subject) AS may_plan,
       audit.may_pause(:subject) AS may_pause
  FROM registry.plan_of(:subject) AS plan;

-- name: change_plan(action, subject, was, plan, why)$
SELECT registry.change_plan(:action, :subject, :was, :plan::jsonb, :why);

-- name: plan_seen(subject, was)$
-- The plan of that digest, as it was before somebody changed it.
SELECT c.detail -> 'before' FROM audit.change c
 WHERE c.subject = :subject AND c.what = 'plan' AND md5((c.detail -> 'before')::text) = :was
 ORDER BY c.id DESC LIMIT 1;

-- name: plan_changes(subject, count)
SELECT c.id, c.at, c.detail, c.why, m.display_name AS member
  FROM audit.change c
  LEFT JOIN registry.member m ON m.id = c.member
 WHERE c.subject = :subject AND c.what = 'plan'
 ORDER BY c.id DESC LIMIT :count;

-- name: pauses_of(subject, now, count)
-- Of a client and of the home, the newest first.
SELECT p.id, s.kind = 'home' AS of_home, p.kind, p.since, p.until, p.ended_at, p.set_at,
       a.display_name AS set_by, e.display_name AS ended_by, p.until > :now::timestamptz AS ahead
  FROM registry.subject c
  JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND s.kind = 'home')
  JOIN registry.pause p ON p.subject = s.id
  LEFT JOIN registry.member a ON a.id = p.set_by
  LEFT JOIN registry.member e ON e.id = p.ended_by
 WHERE c.id = :subject
 ORDER BY p.id DESC LIMIT :count;

-- name: home_of(subject)$
SELECT h.id FROM registry.subject c
  JOIN registry.subject h ON h.home = c.home AND h.kind = 'home'
 WHERE c.id = :subject;

-- name: pause_of(pause, subject)$
-- That pause, if it is this client's or the home's.
SELECT p.id
  FROM registry.subject c
  JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND s.kind = 'home')
  JOIN registry.pause p ON p.subject = s.id
 WHERE c.id = :subject AND p.id = :pause;

-- name: note_change(action, what, subject, detail, why)$
-- False: this action was taken before.
SELECT audit.note_change(:action, :what, :subject, :detail::jsonb, :why);
