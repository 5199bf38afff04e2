-- Grafana by area. Whoever may view a dashboard may send any query to its data source, so what a
-- viewer may see is decided here, by the role that logged in: `session_user`, which neither SET ROLE
-- nor any setting changes.
DROP SCHEMA grafana CASCADE;
CREATE SCHEMA grafana;
REVOKE ALL ON SCHEMA grafana FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA grafana REVOKE ALL ON TABLES FROM PUBLIC;

-- Which roles read for Grafana. Only the owner writes here; no role of Grafana's reads it.
CREATE TABLE grafana.role (
    name         name PRIMARY KEY,
    area         integer UNIQUE REFERENCES registry.area,  -- null: the county, without clients
    organisation bigint                                    -- Grafana's number of it, once there is one
);
CREATE UNIQUE INDEX one_county ON grafana.role ((true)) WHERE area IS NULL;

-- Beneath the others; granted to nobody. A client, and whom readings about them may be about: in a
-- home for two, what the home's own sensors say is shown with both.
CREATE VIEW grafana.seen_subject AS
SELECT s.id AS client_id, s.pseudonym AS client, about.id AS subject, a.code AS area,
       a.name AS area_name
  FROM grafana.role g
  JOIN registry.area a ON a.id = g.area
  JOIN registry.home h ON h.area = g.area
  JOIN registry.subject s ON s.home = h.id AND s.kind = 'client'
  JOIN registry.subject about ON about.home = s.home AND (about.id = s.id OR about.kind = 'home')
 WHERE g.name = session_user;

CREATE VIEW grafana.client WITH (security_barrier) AS
SELECT o.client, o.area, o.area_name, h.heard_at
  FROM grafana.seen_subject o
  JOIN registry.subject s ON s.id = o.client_id
  LEFT JOIN LATERAL (
       SELECT max(t.heard_at) AS heard_at
         FROM registry.gateway g JOIN telemetry.gateway_status t ON t.gateway = g.id
        WHERE g.home = s.home) h ON true
 WHERE o.subject = o.client_id;

-- Which team cares for a client, and when.
CREATE VIEW grafana.care WITH (security_barrier) AS
SELECT o.client, t.name AS team, cr.during
  FROM grafana.seen_subject o
  JOIN registry.care_relationship cr ON cr.subject = o.client_id
  JOIN registry.team t ON t.id = cr.team
 WHERE o.subject = o.client_id;

-- Struck-out readings are left out, doubtful ones are marked; aggregates count them as `suspect`.
-- A device is known by number, kind and place: names are typed by people.
CREATE VIEW grafana.reading WITH (security_barrier) AS
SELECT o.client, r.time, m.name AS metric, m.kind, m.unit, m.decimals, r.value, r.qualifier,
       r.state = 1 AS suspect, r.device, d.kind AS device_kind, d.location
  FROM grafana.seen_subject o
  JOIN telemetry.reading r ON r.subject = o.subject
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device
 WHERE r.state <> 2;

CREATE VIEW grafana.reading_hourly WITH (security_barrier) AS
SELECT o.client, r.bucket, m.name AS metric, m.kind, m.unit, m.decimals, r.count, r.suspect, r.sum,
       r.mean, r.min, r.max, r.last, r.last_at, r.device, d.kind AS device_kind, d.location
  FROM grafana.seen_subject o
  JOIN telemetry.reading_hourly r ON r.subject = o.subject
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device;

CREATE VIEW grafana.reading_daily WITH (security_barrier) AS
SELECT o.client, r.bucket, m.name AS metric, m.kind, m.unit, m.decimals, r.count, r.suspect, r.sum,
       r.mean, r.min, r.max, r.last, r.last_at, r.device, d.kind AS device_kind, d.location
  FROM grafana.seen_subject o
  JOIN telemetry.reading_daily r ON r.subject = o.subject
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device;

-- Devices that are expected to be heard by themselves, and how often.
CREATE VIEW grafana.device WITH (security_barrier) AS
SELECT DISTINCT o.client, d.id AS device, d.kind AS device_kind, d.location, d.silent_after, v.during
  FROM grafana.seen_subject o
  JOIN registry.assignment v ON v.subject = o.subject
  JOIN registry.device d ON d.id = v.device;

-- What scores 0 on the chart of NEWS2 (models/news2.py), in the chart's resolution; null: no end.
-- On scale 2 the band of SpO2 is the prescribed target.
CREATE TABLE grafana.chart_band (
    metric text NOT NULL,
    scale  smallint NOT NULL,
    low    double precision NOT NULL,
    high   double precision,
    PRIMARY KEY (metric, scale)
);
INSERT INTO grafana.chart_band
SELECT b.metric, s.scale, b.low, b.high
  FROM (VALUES ('respiratory_rate', 12, 20), ('systolic', 111, 219), ('pulse', 51, 90),
               ('temperature', 36.1, 38.0)) b(metric, low, high),
       (VALUES (1), (2)) s(scale)
UNION ALL VALUES ('spo2', 1, 96, NULL), ('spo2', 2, 88, 92);

-- The range in which a client's values are expected: their own limits, else the chart's.
CREATE VIEW grafana.band WITH (security_barrier) AS
SELECT o.client, m.name AS metric, l.subject IS NOT NULL AS own,
       CASE WHEN l.subject IS NULL THEN b.low ELSE l.low END AS low,
       CASE WHEN l.subject IS NULL THEN b.high ELSE l.high END AS high,
       m.possible_low, m.possible_high
  FROM grafana.seen_subject o
  JOIN registry.client c ON c.subject = o.client_id
 CROSS JOIN telemetry.metric m
  LEFT JOIN registry.client_limit l ON l.subject = o.client_id AND l.metric = m.id
  LEFT JOIN grafana.chart_band b ON b.metric = m.name AND b.scale = c.spo2_scale
 WHERE o.subject = o.client_id AND (l.subject IS NOT NULL OR b.metric IS NOT NULL);

-- By which scale SpO2 scores, and whether the care plan says that there is no oxygen in the home.
CREATE VIEW grafana.news2_scale WITH (security_barrier) AS
SELECT o.client, c.spo2_scale::integer AS scale, c.oxygen_prescribed IS FALSE AS air_by_plan
  FROM grafana.seen_subject o
  JOIN registry.client c ON c.subject = o.client_id
 WHERE o.subject = o.client_id;

-- Points of one parameter by the chart, as models.news2: halves go up, and a millionth of a step is
-- taken for the noise of binary fractions. `oxygen`: on oxygen; null is not known, and then SpO2 on
-- scale 2 counts as on air, which is the least it can be.
CREATE FUNCTION grafana.news2_points(metric text, value double precision, scale integer,
                                     oxygen boolean) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE metric
    WHEN 'respiratory_rate' THEN
        CASE WHEN v < 9 THEN 3 WHEN v < 12 THEN 1 WHEN v < 21 THEN 0 WHEN v < 25 THEN 2 ELSE 3 END
    WHEN 'spo2' THEN CASE
        WHEN scale = 2 THEN
            CASE WHEN v < 84 THEN 3 WHEN v < 86 THEN 2 WHEN v < 88 THEN 1
                 WHEN v < 93 OR oxygen IS NOT TRUE THEN 0
                 WHEN v < 95 THEN 1 WHEN v < 97 THEN 2 ELSE 3 END
        ELSE CASE WHEN v < 92 THEN 3 WHEN v < 94 THEN 2 WHEN v < 96 THEN 1 ELSE 0 END END
    WHEN 'oxygen_flow' THEN CASE WHEN value > 0 THEN 2 ELSE 0 END
    WHEN 'systolic' THEN
        CASE WHEN v < 91 THEN 3 WHEN v < 101 THEN 2 WHEN v < 111 THEN 1 WHEN v < 220 THEN 0
             ELSE 3 END
    WHEN 'pulse' THEN
        CASE WHEN v < 41 THEN 3 WHEN v < 51 THEN 1 WHEN v < 91 THEN 0 WHEN v < 111 THEN 1
             WHEN v < 131 THEN 2 ELSE 3 END
    WHEN 'consciousness' THEN CASE WHEN v < 1 THEN 0 ELSE 3 END
    WHEN 'temperature' THEN
        CASE WHEN v < 351 THEN 3 WHEN v < 361 THEN 1 WHEN v < 381 THEN 0 WHEN v < 391 THEN 1
             ELSE 2 END END
  FROM (SELECT floor(value / CASE metric WHEN 'temperature' THEN 0.1::double precision ELSE 1 END
                     + 0.5 + 1e-6) AS v) rounded
$$;

-- One row an alert, with what became of it; beneath the others, granted to nobody. Times are seconds
-- from opening to the first of their kind. Alerts call somebody (severity 2 or more); reviews do not.
-- Nights are from 22 to 6 in Finland.
CREATE VIEW grafana.episode_row AS
SELECT e.id, e.subject, s.home, s.kind AS subject_kind, e.kind, e.severity, e.highest, e.highest >= 2 AS calls, e.opened_at,
       e.cleared_at, e.acknowledged_at, e.closed_at, e.outcome, e.inhibited,
       extract(epoch FROM v.acknowledged_at - e.opened_at)::double precision AS acknowledge_s,
       extract(epoch FROM v.contacted_at - e.opened_at)::double precision AS contact_s,
       extract(epoch FROM e.closed_at - e.opened_at)::double precision AS close_s,
       coalesce(v.pages, 0) AS pages, coalesce(v.night_pages, 0) AS night_pages, v.visited_at
  FROM alerts.episode e
  JOIN registry.subject s ON s.id = e.subject AND s.home IS NOT NULL
  LEFT JOIN LATERAL (
       SELECT min(x.at) FILTER (WHERE x.what = 'acknowledged') AS acknowledged_at,
              min(x.at) FILTER (WHERE x.what = 'contacted') AS contacted_at,
              min(x.at) FILTER (WHERE x.what = 'contacted' AND x.detail ->> 'how' = 'face_to_face')
                  AS visited_at,
              count(*) FILTER (WHERE x.what = 'called') AS pages,
              count(*) FILTER (WHERE x.what = 'called' AND
                  extract(hour FROM x.at AT TIME ZONE 'Europe/Helsinki') NOT BETWEEN 6 AND 21)
                  AS night_pages
         FROM alerts.episode_event x WHERE x.episode = e.id) v ON true;
CREATE INDEX episode_opened ON alerts.episode (opened_at);

CREATE VIEW grafana.alert WITH (security_barrier) AS
SELECT o.client, o.area, e.id, e.kind, e.severity, e.highest, e.calls, e.opened_at, e.cleared_at,
       e.acknowledged_at, e.closed_at, e.outcome, e.inhibited, e.acknowledge_s, e.contact_s,
       e.close_s, e.pages, e.night_pages
  FROM grafana.seen_subject o
  JOIN grafana.episode_row e ON e.subject = o.subject;

-- When somebody came to a client, or was with them, because of an alert; over a screen too.
CREATE VIEW grafana.visit WITH (security_barrier) AS
SELECT o.client, e.id AS alert, e.kind,
       CASE x.what WHEN 'contacted' THEN 'face_to_face' ELSE x.what END AS how, x.at
  FROM grafana.seen_subject o
  JOIN alerts.episode e ON e.subject = o.subject
  JOIN alerts.episode_event x ON x.episode = e.id
 WHERE x.what IN ('arrived', 'remote_visit')
    OR x.what = 'contacted' AND x.detail ->> 'how' = 'face_to_face';

-- When a client is known to be away.
CREATE VIEW grafana.pause WITH (security_barrier) AS
SELECT o.client, p.kind, p.since, p.until
  FROM grafana.seen_subject o
  JOIN registry.pause p ON p.subject = o.subject
 WHERE NOT isempty(p.during);

-- What cannot be a view, since a condition on the client would not reach its parts: functions that
-- look themselves whose client it is, with the owner's rights.

-- Messages of the home's gateway by day, as far as it numbers them (telemetry.completeness).
CREATE FUNCTION grafana.completeness(of_client text)
RETURNS TABLE (day date, expected bigint, received bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    of_gateway integer;
BEGIN
    FOR of_gateway IN
        SELECT g.id
          FROM grafana.seen_subject o
          JOIN registry.subject s ON s.id = o.client_id
          JOIN registry.gateway g ON g.home = s.home
         WHERE o.subject = o.client_id AND o.client = of_client
    LOOP
        RETURN QUERY
        SELECT c.day, sum(c.expected)::bigint, sum(c.received)::bigint
          FROM telemetry.completeness c
         WHERE c.gateway = of_gateway AND c.day IS NOT NULL
         GROUP BY c.day;
    END LOOP;
END $$;

-- The newest value of each metric in a time, doubtful and struck-out ones left out.
CREATE FUNCTION grafana.newest(of_client text, since timestamptz, until timestamptz)
RETURNS TABLE (metric text, unit text, decimals smallint, qualifier smallint,
               value double precision, "time" timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
SELECT DISTINCT ON (m.id) m.name, m.unit, m.decimals, r.qualifier, r.value, r.time
  FROM grafana.seen_subject o
 CROSS JOIN telemetry.metric m
 CROSS JOIN LATERAL (
       SELECT x.qualifier, x.value, x.time
         FROM telemetry.reading x
        WHERE x.subject = o.subject AND x.metric = m.id AND x.state = 0
          AND x.time BETWEEN newest.since AND newest.until
        ORDER BY x.time DESC LIMIT 1) r
 WHERE o.client = of_client AND m.kind IN ('vital', 'body', 'context')
 ORDER BY m.id, r.time DESC
$$;
