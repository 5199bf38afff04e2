-- name: backtest_subjects()
-- Everybody, as load.subjects has them.
SELECT s.id, s.pseudonym, s.kind, s.home, c.born, c.spo2_scale, c.oxygen_prescribed, c.conditions,
       c.record,
       (SELECT a.id FROM registry.home h JOIN registry.subject a ON a.area = h.area
         WHERE h.id = s.home AND s.kind = 'home') AS area,
       (SELECT jsonb_object_agg(l.metric, jsonb_build_array(l.low, l.high))
          FROM registry.client_limit l WHERE l.subject = s.id) AS limits
  FROM registry.subject s
  LEFT JOIN registry.client c ON c.subject = s.id
 ORDER BY s.id;

-- name: backtest_pauses(since, until)
-- Pauses that were on at some time of it, and on whom they bear.
SELECT s.id AS subject, p.subject AS whose, p.kind, p.since, p.until,
       (SELECT count(*) FROM registry.subject c
         WHERE c.home = s.home AND c.kind = 'client') AS residents
  FROM registry.pause p
  JOIN registry.subject w ON w.id = p.subject
  JOIN registry.subject s ON s.home = w.home AND (s.id = w.id OR 'home' IN (s.kind, w.kind))
 WHERE p.during && tstzrange(:since, :until)
 ORDER BY s.id, p.since, p.id;

-- name: backtest_devices(at)
-- Devices from which signs of life were expected, and who listens for them.
SELECT d.id, d.name, d.kind, d.location, g.name AS gateway, d.silent_after,
       min(a.subject) AS owner, array_agg(DISTINCT s.id) AS watchers
  FROM registry.device d
  JOIN registry.gateway g ON g.id = d.gateway AND g.revoked_at IS NULL
  JOIN registry.assignment a ON a.device = d.id AND a.during @> :at::timestamptz
  JOIN registry.subject s ON s.home = g.home
 WHERE d.silent_after IS NOT NULL
 GROUP BY d.id, g.name
 ORDER BY d.id;

-- name: backtest_placed()
-- Doors and what notices people, and where they are.
SELECT id, kind, location FROM registry.device WHERE kind IN ('door', 'motion', 'bed', 'presence');

-- name: backtest_falls(until)
-- Falls of before, as load.past_falls counts them.
SELECT subject, opened_at, closed_at
  FROM alerts.episode
 WHERE kind = 'fall' AND opened_at < :until AND opened_at >= :until::timestamptz - interval '2 years'
   AND closed_at IS NOT NULL AND outcome IS DISTINCT FROM 'false';

-- name: backtest_devices_of_all()
-- Every device; what it is goes by the query `learned_devices`.
SELECT id FROM registry.device;

-- name: backtest_readings(since, until, metrics, anybody, limited, limits)
-- What rules and models look at, received in that time: values of clients, metrics of whatever
-- subject (events, movement), and metrics of own limits (limited, limits: pairs of subject and
-- metric).
SELECT r.subject, r.device, r.metric, r.time, r.received_at, r.value, r.qualifier, r.state,
       r.entered_by IS NOT NULL AS by_hand
  FROM telemetry.reading r
 WHERE r.time >= :since::timestamptz - interval '32 days' AND r.time < :until::timestamptz + interval '1 day'
   AND r.received_at >= :since AND r.received_at < :until
   AND (r.metric = ANY(:anybody::smallint[])
        OR (r.metric = ANY(:metrics::smallint[])
            AND EXISTS (SELECT FROM registry.client c WHERE c.subject = r.subject))
        OR (r.subject, r.metric) IN (SELECT * FROM unnest(:limited::int[], :limits::smallint[])));

-- name: backtest_late_events(since, until, events)
-- Events that are received at any age, beyond what the other query looks for.
SELECT r.subject, r.device, r.metric, r.time, r.received_at, r.value, r.qualifier, r.state,
       r.entered_by IS NOT NULL AS by_hand
  FROM telemetry.reading r
 WHERE (r.time < :since::timestamptz - interval '32 days' OR r.time >= :until::timestamptz + interval '1 day')
   AND r.received_at >= :since AND r.received_at < :until
   AND r.metric = ANY(:events::smallint[]);

-- name: backtest_heard(since, until, devices)
-- One reading for each minute in which a device was heard, whatever it said.
SELECT DISTINCT ON (r.device, date_trunc('minute', r.time))
       r.subject, r.device, r.metric, r.time, r.received_at, r.value, r.qualifier, r.state,
       r.entered_by IS NOT NULL AS by_hand
  FROM telemetry.reading r
 WHERE r.time >= :since AND r.time < :until AND r.device = ANY(:devices::int[])
 ORDER BY r.device, date_trunc('minute', r.time), r.time DESC, r.received_at;

-- name: backtest_raw_since()$
-- Where older readings live on in aggregates only: when those that are still there begin.
SELECT r.first
  FROM (SELECT min(time) AS first FROM telemetry.reading) r
 WHERE EXISTS (SELECT FROM telemetry.reading_daily d WHERE d.bucket < r.first - interval '2 days');

-- name: backtest_recorded(since, until)
-- Episodes that opened in that time, or were closed in it.
SELECT e.id, e.subject, e.kind, e.origin, e.opened_at, e.cleared_at, e.closed_at, e.outcome,
       e.severity, e.highest,
       (SELECT v.detail -> 'summary' ->> 'rule' FROM alerts.episode_event v
         WHERE v.episode = e.id AND v.what = 'opened' ORDER BY v.id LIMIT 1) AS rule
  FROM alerts.episode e
 WHERE e.opened_at < :until AND (e.closed_at IS NULL OR e.closed_at >= :since)
 ORDER BY e.opened_at, e.id;
