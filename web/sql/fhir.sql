-- name: fhir_patients(pseudonym, reference, after, count)
-- Clients whom the caller may see, in the order of their numbers.
SELECT s.id, s.pseudonym, c.reference, c.given_name, c.family_name, c.born, c.phone, c.language,
       h.address, a.name AS municipality
  FROM registry.client c
  JOIN registry.subject s ON s.id = c.subject
  JOIN registry.home h ON h.id = s.home
  JOIN registry.area a ON a.id = h.area
 WHERE s.id > :after::integer
   AND (:pseudonym::text IS NULL OR s.pseudonym = :pseudonym)
   AND (:reference::text IS NULL OR c.reference = :reference)
 ORDER BY s.id
 LIMIT :count::integer;

-- name: fhir_readings(subject, metrics, since, until, after_time, after_device, after_group, panel, panel_group, most)
-- A client's readings, the oldest first, in the order of their Observations: all of a blood
-- pressure stand together.
SELECT r.time, r.received_at, r.value, r.device, g.name AS gateway_name, d.name AS device_name,
       r.metric, r.qualifier, r.state
  FROM seen.reading r
  JOIN registry.device d ON d.id = r.device
  JOIN registry.gateway g ON g.id = d.gateway
 CROSS JOIN LATERAL (SELECT CASE WHEN r.metric = ANY(:panel::smallint[]) THEN :panel_group::smallint
                                 ELSE r.metric END AS number) AS grouped
 WHERE r.subject = :subject::integer AND r.metric = ANY(:metrics::smallint[])
   AND r.time >= :since::timestamptz AND r.time < :until::timestamptz
   AND (:after_time::timestamptz IS NULL
        OR (r.time, r.device, grouped.number)
           > (:after_time, :after_device::integer, :after_group::smallint))
 ORDER BY r.time, r.device, grouped.number, r.metric
 LIMIT :most::integer;

-- name: fhir_readings_newest_first(subject, metrics, since, until, after_time, after_device, after_group, panel, panel_group, most)
-- The same, the newest first.
SELECT r.time, r.received_at, r.value, r.device, g.name AS gateway_name, d.name AS device_name,
       r.metric, r.qualifier, r.state
  FROM seen.reading r
  JOIN registry.device d ON d.id = r.device
  JOIN registry.gateway g ON g.id = d.gateway
 CROSS JOIN LATERAL (SELECT CASE WHEN r.metric = ANY(:panel::smallint[]) THEN :panel_group::smallint
                                 ELSE r.metric END AS number) AS grouped
 WHERE r.subject = :subject::integer AND r.metric = ANY(:metrics::smallint[])
   AND r.time >= :since::timestamptz AND r.time < :until::timestamptz
   AND (:after_time::timestamptz IS NULL
        OR (r.time, r.device, grouped.number)
           < (:after_time, :after_device::integer, :after_group::smallint))
 ORDER BY r.time DESC, r.device DESC, grouped.number DESC, r.metric
 LIMIT :most::integer;

-- name: fhir_readings_of(device, metrics, time)
-- The readings of one Observation, if the caller may see whom they are about.
SELECT r.time, r.received_at, r.value, r.device, g.name AS gateway_name, d.name AS device_name,
       r.metric, r.qualifier, r.state, r.subject, s.pseudonym
  FROM seen.reading r
  JOIN registry.device d ON d.id = r.device
  JOIN registry.gateway g ON g.id = d.gateway
  JOIN registry.subject s ON s.id = r.subject AND s.kind = 'client'
 WHERE r.device = :device::integer AND r.metric = ANY(:metrics::smallint[])
   AND r.time = :time::timestamptz
 ORDER BY r.metric;

-- name: fhir_devices(now, subject, device, gateway_name, device_name, after, count)
-- Devices in use by clients whom the caller may see, or by their homes; whose, where it is one's only.
SELECT d.id, d.name, d.kind, d.location, g.name AS gateway, g.revoked_at IS NOT NULL AS revoked,
       owned.pseudonym, owned.subjects
  FROM registry.device d
  JOIN registry.gateway g ON g.id = d.gateway
 CROSS JOIN LATERAL (
       SELECT array_agg(DISTINCT a.subject) AS subjects,
              CASE WHEN count(DISTINCT a.subject) = 1 AND min(s.kind) = 'client'
                        AND max(a.user_index) = 0
                   THEN min(s.pseudonym) END AS pseudonym
         FROM registry.assignment a
         JOIN registry.subject s ON s.id = a.subject
        WHERE a.device = d.id AND a.during @> :now::timestamptz) AS owned
 WHERE d.id > :after::integer
   AND (:device::integer IS NULL OR d.id = :device)
   AND (:device_name::text IS NULL OR (g.name = :gateway_name::text AND d.name = :device_name))
   AND (:subject::integer IS NULL OR :subject = ANY(owned.subjects))
   AND owned.subjects IS NOT NULL
 ORDER BY d.id
 LIMIT :count::integer;

-- name: fhir_episodes(subject, since, until, open, before, count)
-- The alerts about a client or about their home, the newest first.
SELECT e.id
  FROM alerts.episode e
  JOIN registry.subject c ON c.id = :subject::integer
  JOIN registry.subject s ON s.id = e.subject
 WHERE (e.subject = c.id OR (s.kind = 'home' AND s.home = c.home))
   AND e.opened_at >= :since::timestamptz AND e.opened_at < :until::timestamptz
   AND (:open::boolean IS NULL OR (e.closed_at IS NULL) = :open)
   AND (:before::bigint IS NULL OR e.id < :before)
 ORDER BY e.id DESC
 LIMIT :count::integer;

-- name: fhir_cares_for(subject)$
-- Whether the client is in the caller's care now.
SELECT audit.cares_for(:subject::integer);

-- name: fhir_gateway_of(subject)$
-- The gateway in use in a client's home, under which what names no device is taken.
SELECT g.name
  FROM registry.subject s
  JOIN registry.gateway g ON g.home = s.home AND g.revoked_at IS NULL
 WHERE s.id = :subject::integer
 ORDER BY g.id
 LIMIT 1;
