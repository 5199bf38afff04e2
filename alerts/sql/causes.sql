-- What lies above single homes: outages of areas, of the county, and of Saimi itself.

-- name: survey_turn(turn)$
-- One worker at a time surveys the county.
SELECT pg_try_advisory_xact_lock(:turn);

-- name: expected_intervals()
-- How often devices are expected to be heard: the few lengths there are.
SELECT DISTINCT silent_after FROM registry.device WHERE silent_after IS NOT NULL;

-- name: lost_gateways(intervals, cuts, gone_before)
-- Gateways of which nothing is heard: not for as long as one of their devices is expected at least,
-- or the broker said that they are gone. `cuts` says for each interval since when that would be.
WITH expected AS (
    SELECT every, cut FROM unnest(:intervals::interval[], :cuts::timestamptz[]) AS e(every, cut)
)
SELECT s.id AS area, st.gateway, st.heard_at
  FROM telemetry.gateway_status st
  JOIN registry.gateway g ON g.id = st.gateway AND g.revoked_at IS NULL
  JOIN registry.home h ON h.id = g.home
  JOIN registry.subject s ON s.area = h.area
 CROSS JOIN LATERAL (SELECT min(d.silent_after) AS every
                       FROM registry.device d WHERE d.gateway = g.id) d
  JOIN expected e ON e.every = d.every
 WHERE (NOT st.online OR st.heard_at < (SELECT max(cut) FROM expected))
   AND (st.heard_at < e.cut
        OR (NOT st.online AND coalesce(st.said_at, st.heard_at) < :gone_before));

-- name: watched_gateways()
-- How many gateways could be lost, by the subject of their area.
SELECT s.id AS area, count(*) AS gateways
  FROM telemetry.gateway_status st
  JOIN registry.gateway g ON g.id = st.gateway AND g.revoked_at IS NULL
  JOIN registry.home h ON h.id = g.home
  JOIN registry.subject s ON s.area = h.area
 WHERE EXISTS (SELECT FROM registry.device d
                WHERE d.gateway = g.id AND d.silent_after IS NOT NULL)
 GROUP BY s.id;

-- name: at_risk(gateways, kinds)
-- Clients in the homes of these gateways (null: of all), with what a need is told from: those kinds
-- of device that measure them, or stand in the home they live in.
SELECT g.id AS gateway, c.subject, c.oxygen_prescribed, c.conditions,
       ARRAY(SELECT DISTINCT d.kind
               FROM registry.device d
               JOIN registry.assignment a ON a.device = d.id AND upper_inf(a.during)
              WHERE d.gateway = g.id AND d.kind = ANY(:kinds::text[])
                AND (a.subject = c.subject OR a.subject = ANY(
                     SELECT o.id FROM registry.subject o
                      WHERE o.home = g.home AND o.kind = 'home'))) AS devices
  FROM registry.gateway g
  JOIN registry.subject s ON s.home = g.home AND s.kind = 'client'
  JOIN registry.client c ON c.subject = s.id
 WHERE (:gateways::int[] IS NULL OR g.id = ANY(:gateways::int[])) AND g.revoked_at IS NULL;

-- name: outage_states()
-- Areas that were ever out: their alerts may have to clear still.
SELECT subject FROM alerts.subject_state WHERE subject < -1;

-- name: marked_gateways()
SELECT gateway, cause, since FROM alerts.lost_gateway;

-- name: unmark_gateways(gateways)!
DELETE FROM alerts.lost_gateway WHERE gateway = ANY(:gateways::int[]);

-- name: mark_gateways(gateways, causes, since)!
INSERT INTO alerts.lost_gateway (gateway, cause, since)
SELECT * FROM unnest(:gateways::int[], :causes::int[], :since::timestamptz[])
ON CONFLICT (gateway) DO UPDATE SET cause = excluded.cause, since = excluded.since;

-- name: wake_homes(gateways, alerted, now)!
-- The homes of these gateways and who lives there are looked at now, devices included; only those
-- with an alert of silence, if `alerted`.
UPDATE alerts.subject_state u
   SET due_at = :now, state = u.state - 'silence_at'
  FROM (SELECT s.subject
          FROM registry.gateway g
          JOIN registry.subject r ON r.home = g.home
          JOIN alerts.subject_state s ON s.subject = r.id
         WHERE g.id = ANY(:gateways::int[])
           AND (NOT :alerted::boolean
                OR EXISTS (SELECT FROM alerts.episode e
                            WHERE e.subject = r.id AND e.kind = 'silence'
                              AND e.closed_at IS NULL AND e.cleared_at IS NULL))
         ORDER BY s.subject
           FOR UPDATE OF s) w
 WHERE u.subject = w.subject;

-- name: lost_gateways_of(subjects)
-- Of each subject's home, the gateways that an outage above it has silenced.
SELECT s.id AS subject, g.name AS gateway
  FROM alerts.lost_gateway l
  JOIN registry.gateway g ON g.id = l.gateway
  JOIN registry.subject s ON s.home = g.home
 WHERE s.id = ANY(:subjects::int[]);

-- name: at_risk_in(homes, kinds)
-- Clients in these homes (by subject), with what a need is told from, as in at_risk.
SELECT h.id AS home, c.subject, c.oxygen_prescribed, c.conditions,
       ARRAY(SELECT DISTINCT d.kind
               FROM registry.assignment a
               JOIN registry.device d ON d.id = a.device
              WHERE a.subject IN (c.subject, h.id) AND upper_inf(a.during)
                AND d.kind = ANY(:kinds::text[])) AS devices
  FROM registry.subject h
  JOIN registry.subject s ON s.home = h.home AND s.kind = 'client'
  JOIN registry.client c ON c.subject = s.id
 WHERE h.id = ANY(:homes::int[]);

-- name: comings(subjects, door, movement, since)
-- In homes of one resident: when the front door was heard last, and when anybody moved.
SELECT s.id AS subject, door.at AS door_at, moved.at AS moved_at
  FROM registry.subject s
 CROSS JOIN LATERAL (
        SELECT max(last.time) AS at
          FROM registry.gateway g
          JOIN registry.device d ON d.gateway = g.id AND d.kind = 'door'
                                AND lower(d.location) IN ('front', 'front door', 'hallway', '')
         CROSS JOIN LATERAL (SELECT r.time FROM telemetry.reading r
                              WHERE r.device = d.id AND r.metric = :door AND r.time > :since
                              ORDER BY r.time DESC LIMIT 1) last
         WHERE g.home = s.home) door
 CROSS JOIN LATERAL (
        SELECT max(last.time) AS at
          FROM registry.gateway g
          JOIN registry.device d ON d.gateway = g.id AND d.kind IN ('motion', 'bed', 'presence')
         CROSS JOIN unnest(:movement::smallint[]) AS m(metric)
         CROSS JOIN LATERAL (SELECT r.time FROM telemetry.reading r
                              WHERE r.device = d.id AND r.metric = m.metric AND r.value > 0
                                AND r.time > :since
                              ORDER BY r.time DESC LIMIT 1) last
         WHERE g.home = s.home) moved
 WHERE s.id = ANY(:subjects::int[])
   AND (SELECT count(*) FROM registry.subject c
         WHERE c.home = s.home AND c.kind = 'client') = 1;
