-- name: visible_subjects(member, subjects, now)
SELECT subject FROM unnest(:subjects::int[]) AS subject
 WHERE registry.may_see(:member, subject, :now);

-- name: open_ids(member, now)
SELECT e.id
  FROM alerts.episode e
 WHERE e.closed_at IS NULL
   AND registry.may_see(:member, e.subject, :now);

-- name: open_page(member, now, urgency, opened_at, id, count)
-- A page of them in the order of urgency, behind a place in it; from the beginning with nulls.
SELECT e.id, e.severity, e.opened_at
  FROM alerts.episode e
 WHERE e.closed_at IS NULL
   AND registry.may_see(:member, e.subject, :now)
   AND (:urgency::integer IS NULL
        OR (-e.severity, e.opened_at, e.id)
           > (:urgency::integer, :opened_at::timestamptz, :id::bigint))
 ORDER BY -e.severity, e.opened_at, e.id
 LIMIT :count::integer;

-- name: missed(member, since, now, count)
-- What a member missed: alerts that called somebody and were opened since, and those for which the
-- member was called since and did not look; none on which they did something. What waits for
-- somebody comes first, then the most severe. Calls go on for hours: an alert of weeks ago is none.
WITH found AS (
    SELECT e.id, e.highest, e.opened_at, e.closed_at IS NULL AND e.acknowledged_at IS NULL AS waits,
           (SELECT min(o.created_at)
              FROM alerts.outbox o
             WHERE o.episode = e.id AND o.member = :member::integer AND o.seen_at IS NULL
               AND o.what IN ('page', 'reminder') AND o.created_at >= :since::timestamptz)
               AS called_at
      FROM alerts.episode e
     WHERE e.opened_at BETWEEN :since - INTERVAL '7 days' AND :now::timestamptz
       AND (e.opened_at >= :since OR e.closed_at IS NULL OR e.closed_at >= :since)
       AND registry.may_see(:member, e.subject, :now))
SELECT id, called_at
  FROM found f
 WHERE (opened_at >= :since AND highest >= 2 OR called_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM alerts.episode_event v
                    WHERE v.episode = f.id AND v.member = :member AND v.what <> 'called')
 ORDER BY waits DESC, highest DESC, opened_at DESC, id DESC
 LIMIT :count::integer;

-- name: cards(ids)
-- Everything the web shows of an episode; whom it concerns as JSON, one entry a client: of an outage,
-- those at risk in it. Written as a union, or every client of the county is looked at for each episode.
SELECT e.id, e.version, e.kind, e.origin, e.severity, e.highest, e.subject,
       s.pseudonym, s.kind AS subject_kind,
       coalesce((SELECT jsonb_agg(jsonb_build_object(
                            'subject', c.subject, 'pseudonym', cs.pseudonym,
                            'given_name', c.given_name, 'family_name', c.family_name,
                            'born', c.born, 'phone', c.phone, 'limits_of_care', c.limits_of_care)
                        ORDER BY c.family_name, c.given_name, c.subject)
                   FROM (SELECT s.id AS subject
                          UNION
                         SELECT o.id FROM registry.subject o
                          WHERE s.kind = 'home' AND o.home = s.home
                          UNION
                         SELECT (one ->> 'subject')::int
                           FROM jsonb_array_elements(e.summary #> '{params,at_risk}') one
                          WHERE s.kind IN ('area', 'service')) w
                   JOIN registry.client c ON c.subject = w.subject
                   JOIN registry.subject cs ON cs.id = c.subject),
                '[]') AS people,
       a.code AS area_code, a.name AS area_name, h.address, h.access,
       e.opened_at, e.changed_at, e.cleared_at,
       e.acknowledged_at, e.acknowledged_by, taker.display_name AS acknowledged_by_name,
       e.acknowledged_until, contact.at AS contacted_at, contactor.display_name AS contacted_by_name,
       contact.detail AS contacted,
       e.closed_at, e.closed_by, closer.display_name AS closed_by_name, e.outcome, e.note,
       e.summary, e.evidence
  FROM alerts.episode e
  JOIN registry.subject s ON s.id = e.subject
  LEFT JOIN registry.home h ON h.id = s.home
  LEFT JOIN registry.area a ON a.id = coalesce(h.area, s.area)
  LEFT JOIN registry.member taker ON taker.id = e.acknowledged_by
  LEFT JOIN registry.member closer ON closer.id = e.closed_by
  -- By itself: the result of a function is not looked up by index behind row-level security.
  LEFT JOIN LATERAL (SELECT alerts.contact_of(e.id) AS event OFFSET 0) reached ON true
  LEFT JOIN alerts.episode_event contact ON contact.id = reached.event
  LEFT JOIN registry.member contactor ON contactor.id = contact.member
 WHERE e.id = ANY(:ids::bigint[]);

-- name: events(episode)
SELECT v.id, v.at, v.wall_at, v.what, v.member, m.display_name AS member_name, v.detail, v.record
  FROM alerts.episode_event v
  LEFT JOIN registry.member m ON m.id = v.member
 WHERE v.episode = :episode
 ORDER BY v.id;
