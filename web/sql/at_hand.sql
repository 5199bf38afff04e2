-- name: at_hand_home(subject)^
-- What whoever comes must know of the home; the code of its door only that there is one.
SELECT h.hazards, h.latitude, h.longitude, h.door_code <> '' AS has_code
  FROM registry.subject s JOIN registry.home h ON h.id = s.home
 WHERE s.id = :subject;

-- name: at_hand_people(subjects)
SELECT c.subject, c.oxygen_prescribed, c.conditions, c.record::text AS record
  FROM registry.client c
 WHERE c.subject = ANY(:subjects::int[]);

-- name: recent_visits(subjects, episode, most)
-- How earlier alerts of these ended, the newest first.
SELECT e.id, e.kind, e.closed_at, e.outcome, e.note, m.display_name AS by
  FROM alerts.episode e LEFT JOIN registry.member m ON m.id = e.closed_by
 WHERE e.subject = ANY(:subjects::int[]) AND e.id <> :episode AND e.closed_at IS NOT NULL
 ORDER BY e.closed_at DESC
 LIMIT :most;

-- name: door_code(subject)$
SELECT h.door_code
  FROM registry.subject s JOIN registry.home h ON h.id = s.home
 WHERE s.id = :subject;
