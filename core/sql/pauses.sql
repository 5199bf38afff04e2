-- name: is_pausable(subject)$
SELECT EXISTS (SELECT FROM registry.subject WHERE id = :subject AND kind IN ('client', 'home'));

-- name: subject_named(client, home)$
SELECT subject FROM registry.client WHERE reference = :client
UNION ALL
SELECT s.id FROM registry.subject s JOIN registry.home h ON h.id = s.home
 WHERE h.name = :home AND s.kind = 'home';

-- name: pause_at(subject, kind, since, until)^
-- One of the same kind that runs into that time.
SELECT since, until
  FROM registry.pause
 WHERE subject = :subject AND kind = :kind
   AND during && tstzrange(:since::timestamptz, :until::timestamptz)
 ORDER BY during
 LIMIT 1;

-- name: add_pause(subject, kind, since, until, member, now)$
INSERT INTO registry.pause (subject, kind, since, until, set_by, set_at, changed_at)
VALUES (:subject, :kind, :since, :until, :member, :now, :now)
RETURNING id;

-- name: end_pause(pause, member, now)$
-- The pause, or nothing where there is none. One that is over stays as it was; one that has not
-- begun becomes empty.
WITH found AS (
    SELECT id FROM registry.pause WHERE id = :pause
), ended AS (
    UPDATE registry.pause
       SET until = greatest(since, :now), ended_by = :member, ended_at = :now, changed_at = :now
     WHERE id = :pause AND until > :now AND NOT isempty(during)
)
SELECT id FROM found;

-- name: pauses_after(now)
SELECT p.id, coalesce(c.reference, h.name) AS of, p.kind, p.since, p.until,
       m.display_name AS set_by, p.set_at
  FROM registry.pause p
  JOIN registry.subject s ON s.id = p.subject
  LEFT JOIN registry.client c ON c.subject = s.id
  LEFT JOIN registry.home h ON h.id = s.home
  LEFT JOIN registry.member m ON m.id = p.set_by
 WHERE p.until > :now AND NOT isempty(p.during)
 ORDER BY p.until, p.id;
