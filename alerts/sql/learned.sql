-- name: learned(subjects, before)
-- What the models remember of those who were not looked at since `before`; nulls: nothing yet.
SELECT s.subject, l.looked_at, l.signs, l.days, l.rooms
  FROM unnest(:subjects::int[]) AS s(subject)
  LEFT JOIN alerts.learned l ON l.subject = s.subject
 WHERE l.looked_at IS NULL OR l.looked_at <= :before;

-- name: learned_readings(subjects, since, late_since, seen_at, metrics, until, most, earliest)$
-- What of each subject was measured since its memory was taken, and what came since it was looked
-- at of before; of each subject the newest so many. One value: rows of alerts.learned.store.ROW
-- after one another, since a batch reads a hundred thousand of them.
SELECT string_agg(int4send(c.subject) || int2send(r.metric) || int4send(r.device)
                  || timestamptz_send(r.time) || timestamptz_send(r.received_at)
                  || float8send(r.value), '') AS rows
  FROM unnest(:subjects::int[], :since::timestamptz[], :late_since::timestamptz[],
              :seen_at::timestamptz[]) AS c(subject, since, late_since, seen_at)
 CROSS JOIN LATERAL (
        SELECT r.metric, r.device, r.time, r.received_at, r.value
          FROM telemetry.reading r
         WHERE r.subject = c.subject AND r.metric = ANY(:metrics::smallint[])
           AND r.time >= least(c.since, c.late_since) AND r.time >= :earliest AND r.time <= :until AND r.state = 0
           AND (r.time >= c.since OR r.received_at > c.seen_at)
         ORDER BY r.time DESC
         LIMIT :most) r;

-- name: learned_devices(devices)
-- What the devices of ambient readings are. In a home for two a bed tells of one of them only, and
-- of nothing else is known whose it is: who is out of that bed is not silent.
SELECT d.id, CASE WHEN d.kind = 'bed' AND lives.residents > 1 THEN '' ELSE d.kind END AS kind,
       d.location
  FROM registry.device d
  JOIN registry.gateway g ON g.id = d.gateway
 CROSS JOIN LATERAL (SELECT count(*) AS residents FROM registry.subject s
                      WHERE s.home = g.home AND s.kind = 'client') lives
 WHERE d.id = ANY(:devices::int[]);

-- name: learned_gateways(subjects, fresh)
-- Of which subjects a gateway can be heard now.
SELECT s.id AS subject
  FROM registry.subject s
 WHERE s.id = ANY(:subjects::int[])
   AND EXISTS (SELECT FROM registry.gateway g
                 JOIN telemetry.gateway_status st ON st.gateway = g.id
                WHERE g.home = s.home AND g.revoked_at IS NULL AND st.online
                  AND st.heard_at > :fresh);

-- name: keep_learned(subjects, now, signs, days, rooms)!
-- A part that is null stays as it is.
INSERT INTO alerts.learned AS l (subject, looked_at, signs, days, rooms)
SELECT c.subject, :now, c.signs, c.days, c.rooms
  FROM unnest(:subjects::int[], :signs::bytea[], :days::bytea[], :rooms::bytea[])
    AS c(subject, signs, days, rooms)
ON CONFLICT (subject) DO UPDATE
   SET looked_at = excluded.looked_at,
       signs = excluded.signs,
       days = coalesce(excluded.days, l.days),
       rooms = coalesce(excluded.rooms, l.rooms);
