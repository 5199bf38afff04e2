-- name: subjects(subjects)
-- Who the subjects are, with the limits of each as {metric id: [low, high]}.
SELECT s.id, s.kind, c.born, c.spo2_scale, c.oxygen_prescribed, c.conditions, c.record,
       (SELECT jsonb_object_agg(l.metric, jsonb_build_array(l.low, l.high))
          FROM registry.client_limit l WHERE l.subject = s.id) AS limits
  FROM registry.subject s
  LEFT JOIN registry.client c ON c.subject = s.id
 WHERE s.id = ANY(:subjects::int[]);

-- name: residents(homes)
-- The records of those who live in homes, where they hold anything.
SELECT s.id AS subject, r.record
  FROM registry.subject s
  JOIN registry.subject o ON o.home = s.home AND o.kind = 'client'
  JOIN registry.client r ON r.subject = o.id AND r.record <> '{}'
 WHERE s.id = ANY(:homes::int[])
 ORDER BY s.id, o.id;

-- name: pauses(subjects, now)
-- Pauses, on or to come, that bear on each subject: a client's own and the home's; for a home, also
-- those of everybody who lives in it, with how many do.
SELECT s.id AS subject, p.subject AS whose, p.kind, p.since, p.until,
       (SELECT count(*) FROM registry.subject c
         WHERE c.home = s.home AND c.kind = 'client') AS residents
  FROM registry.pause p
  JOIN registry.subject w ON w.id = p.subject
  JOIN registry.subject s ON s.home = w.home AND (s.id = w.id OR 'home' IN (s.kind, w.kind))
 WHERE p.until > :now AND NOT isempty(p.during) AND s.id = ANY(:subjects::int[])
 ORDER BY s.id, p.since, p.id;

-- `earliest` below is the least of a statement's times, as one value: by it TimescaleDB leaves out
-- old chunks once, by the times of a joined list anew for each row of the list. Where the newest
-- reading is asked for, the list's own times stand outside: it is newer than these, or none is.

-- name: signs_of_life(subjects, since, movement, measured, until, earliest)
-- The newest sign of life of each metric since then: of a client, what was measured on them; of a
-- home, movement in it, and what was measured on anybody who lives there.
SELECT s.subject, w.id AS whose, m.metric, r.time, r.received_at, r.value, r.qualifier, r.device
  FROM unnest(:subjects::int[], :since::timestamptz[]) AS s(subject, since)
  JOIN registry.subject o ON o.id = s.subject
  JOIN registry.subject w ON w.id = o.id OR (o.kind = 'home' AND w.home = o.home)
 CROSS JOIN LATERAL unnest(CASE w.kind WHEN 'home' THEN :movement::smallint[]
                           ELSE :measured::smallint[] END) AS m(metric)
 CROSS JOIN LATERAL (
        SELECT r.time, r.received_at, r.value, r.qualifier, r.device
          FROM telemetry.reading r
         WHERE r.subject = w.id AND r.metric = m.metric
           AND r.time > s.since AND r.time >= :earliest AND r.time <= :until AND r.state = 0 AND r.value > 0
           AND r.entered_by IS NULL
         ORDER BY r.time DESC
         LIMIT 1) r;

-- name: newest_readings(subjects, metrics, after, depths, until, earliest)
-- The newest readings of each metric that are OK and still valid, newest first; their times in the
-- server's own eight bytes (alerts.worker.newest).
SELECT s.subject, m.metric, timestamptz_send(r.time) AS time,
       timestamptz_send(r.received_at) AS received_at, r.value, r.qualifier, r.device, r.by_hand
  FROM unnest(:subjects::int[]) AS s(subject)
 CROSS JOIN unnest(:metrics::smallint[], :after::timestamptz[], :depths::int[])
         AS m(metric, after, depth)
 CROSS JOIN LATERAL (
        SELECT r.time, r.received_at, r.value, r.qualifier, r.device,
               r.entered_by IS NOT NULL AS by_hand
          FROM telemetry.reading r
         WHERE r.subject = s.subject AND r.metric = m.metric
           AND r.time >= :earliest AND r.time <= :until AND r.state = 0
         ORDER BY r.time DESC
         LIMIT m.depth) r
 WHERE r.time > m.after;

-- name: newest_of_pairs(subjects, metrics, after, until, earliest)
-- The same for single metrics of single subjects.
SELECT p.subject, p.metric, timestamptz_send(r.time) AS time,
       timestamptz_send(r.received_at) AS received_at, r.value, r.qualifier, r.device, r.by_hand
  FROM unnest(:subjects::int[], :metrics::smallint[], :after::timestamptz[])
    AS p(subject, metric, after)
 CROSS JOIN LATERAL (
        SELECT r.time, r.received_at, r.value, r.qualifier, r.device,
               r.entered_by IS NOT NULL AS by_hand
          FROM telemetry.reading r
         WHERE r.subject = p.subject AND r.metric = p.metric
           AND r.time >= :earliest AND r.time <= :until AND r.state = 0
         ORDER BY r.time DESC
         LIMIT 1) r
 WHERE r.time > p.after;

-- name: new_events(subjects, since, until, metrics, earliest)
-- Events in what was noted that no episode has dealt with. An episode event says which readings it
-- stands for (device, metric, microseconds since 1970), so one that is noted twice counts once; it
-- cannot have happened long before the reading came in.
SELECT r.subject, r.metric, r.time, r.received_at, r.value, r.qualifier, r.device, r.state
  FROM unnest(:subjects::int[], :since::timestamptz[], :until::timestamptz[])
    AS c(subject, since, until)
 CROSS JOIN LATERAL (
        SELECT r.*
          FROM telemetry.reading r
         WHERE r.subject = c.subject AND r.metric = ANY(:metrics::smallint[])
           AND r.time BETWEEN c.since AND c.until AND r.time >= :earliest AND r.value >= 1 AND r.state < 2) r
 WHERE NOT EXISTS (
        SELECT FROM alerts.episode e
          JOIN alerts.episode_event v ON v.episode = e.id
         WHERE e.subject = r.subject
           AND e.changed_at >= r.received_at - interval '1 day'
           AND v.detail -> 'events' @> jsonb_build_array(jsonb_build_array(
                   r.device, r.metric, (extract(epoch FROM r.time) * 1000000)::bigint)));

-- name: devices(subjects, now)
-- Devices from which signs of life are expected, on all gateways of each subject's home.
SELECT DISTINCT ON (s.id, d.id)
       s.id AS watcher, d.id, d.name, d.kind, d.location, g.name AS gateway, a.subject AS owner,
       d.silent_after, coalesce(st.online, false) AS online, st.heard_at
  FROM registry.subject s
  JOIN registry.gateway g ON g.home = s.home AND g.revoked_at IS NULL
  JOIN registry.device d ON d.gateway = g.id AND d.silent_after IS NOT NULL
  JOIN registry.assignment a ON a.device = d.id AND a.during @> :now::timestamptz
  LEFT JOIN telemetry.gateway_status st ON st.gateway = g.id
 WHERE s.id = ANY(:subjects::int[])
 ORDER BY s.id, d.id, a.subject = s.id DESC;

-- name: last_heard(devices, since, until, earliest)
-- The newest reading of each device since then, of whatever metric. A device measures a few of a
-- hundred metrics: the index is asked for the next one that there is, not for each.
SELECT DISTINCT ON (d.device)
       d.device, m.metric, r.time, r.received_at, r.value, r.qualifier, r.state
  FROM unnest(:devices::int[], :since::timestamptz[]) AS d(device, since)
 CROSS JOIN LATERAL (
        WITH RECURSIVE measured(metric) AS (
            (SELECT r.metric
               FROM telemetry.reading r
              WHERE r.device = d.device
                AND r.time >= :earliest AND r.time <= :until
              ORDER BY r.metric
              LIMIT 1)
            UNION ALL
            SELECT n.metric
              FROM measured m
             CROSS JOIN LATERAL (
                    SELECT r.metric
                      FROM telemetry.reading r
                     WHERE r.device = d.device AND r.metric > m.metric
                       AND r.time >= :earliest AND r.time <= :until
                     ORDER BY r.metric
                     LIMIT 1) n)
        SELECT metric FROM measured) m
 CROSS JOIN LATERAL (
        SELECT r.time, r.received_at, r.value, r.qualifier, r.state
          FROM telemetry.reading r
         WHERE r.device = d.device AND r.metric = m.metric
           AND r.time >= :earliest AND r.time <= :until
         ORDER BY r.time DESC
         LIMIT 1) r
 WHERE r.time >= d.since
 ORDER BY d.device, r.time DESC;

-- name: device_names(devices)
SELECT d.id, d.name AS device, g.name AS gateway
  FROM registry.device d
  JOIN registry.gateway g ON g.id = d.gateway
 WHERE d.id = ANY(:devices::int[]);

-- name: unknown_names(metrics, times)
-- What the wire called the devices of life-safety events that nobody knows.
SELECT u.metric, u.time, u.gateway, u.device
  FROM unnest(:metrics::smallint[], :times::timestamptz[]) AS c(metric, time)
  JOIN telemetry.unknown_device u ON u.metric = c.metric AND u.time = c.time;

-- name: new_slow(subjects, since, until, metrics, earliest)
-- Of whom any of these metrics is new, which are measured seldom or looked at over long times.
SELECT DISTINCT c.subject, r.metric
  FROM unnest(:subjects::int[], :since::timestamptz[], :until::timestamptz[])
    AS c(subject, since, until)
 CROSS JOIN LATERAL (
        SELECT r.metric
          FROM telemetry.reading r
         WHERE r.subject = c.subject AND r.metric = ANY(:metrics::smallint[])
           AND r.time BETWEEN c.since AND c.until AND r.time >= :earliest AND r.state = 0) r;

-- name: history(subjects, metrics, after, until, most, earliest)
-- Readings of single metrics of single subjects, newest first.
SELECT p.subject, p.metric, r.time, r.received_at, r.value, r.qualifier, r.device
  FROM unnest(:subjects::int[], :metrics::smallint[], :after::timestamptz[])
    AS p(subject, metric, after)
 CROSS JOIN LATERAL (
        SELECT r.time, r.received_at, r.value, r.qualifier, r.device
          FROM telemetry.reading r
         WHERE r.subject = p.subject AND r.metric = p.metric
           AND r.time > p.after AND r.time >= :earliest AND r.time <= :until AND r.state = 0
         ORDER BY r.time DESC
         LIMIT :most) r
 ORDER BY p.subject, p.metric, r.time DESC;

-- name: outside_doors(subjects, door, places, signs, since, until)
-- When a door that leads out was last moved, and when somebody was last noticed inside: of the
-- client's own sensors and those of the home.
SELECT s.id AS subject, d.time, d.received_at, d.value, d.qualifier, d.device, b.back_at
  FROM registry.subject s
 CROSS JOIN LATERAL (
        SELECT r.time, r.received_at, r.value, r.qualifier, r.device
          FROM registry.subject w
          JOIN telemetry.reading r ON r.subject = w.id AND r.metric = :door
          JOIN registry.device v ON v.id = r.device AND lower(v.location) = ANY(:places::text[])
         WHERE (w.id = s.id OR (w.home = s.home AND w.kind = 'home'))
           AND r.time > :since AND r.time <= :until AND r.state = 0
         ORDER BY r.time DESC
         LIMIT 1) d
  LEFT JOIN LATERAL (
        SELECT max(r.time) AS back_at
          FROM registry.subject w
          JOIN telemetry.reading r ON r.subject = w.id AND r.metric = ANY(:signs::smallint[])
         WHERE (w.id = s.id OR (w.home = s.home AND w.kind = 'home'))
           AND r.time > d.time AND r.time > :since AND r.time <= :until
           AND r.value > 0 AND r.state = 0) b ON true
 WHERE s.id = ANY(:subjects::int[]);

-- name: past_falls(subjects, since)
-- Falls that were alerts of their own before, those found to be false left out. One that is still
-- open is the one that goes on now.
SELECT c.subject, count(*) AS falls
  FROM unnest(:subjects::int[], :since::timestamptz[]) AS c(subject, since)
  JOIN alerts.episode e ON e.subject = c.subject AND e.kind = 'fall'
 WHERE e.opened_at >= c.since AND e.closed_at IS NOT NULL AND e.outcome IS DISTINCT FROM 'false'
 GROUP BY c.subject;
