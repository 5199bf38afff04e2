-- What Grafana may see: readings and alerts by pseudonym. No name, address or birth date; nothing
-- beneath these views is Grafana's to read.
CREATE SCHEMA grafana;

CREATE VIEW grafana.client WITH (security_barrier) AS
SELECT s.pseudonym AS client, a.code AS area
  FROM registry.subject s
  JOIN registry.home h ON h.id = s.home
  JOIN registry.area a ON a.id = h.area
 WHERE s.kind = 'client';

-- A client's readings; in a home for two, what the home's own sensors say is shown with both.
-- Struck-out readings are left out, doubtful ones are marked.
CREATE VIEW grafana.reading WITH (security_barrier) AS
SELECT s.pseudonym AS client, r.time, m.name AS metric, m.kind, m.unit, r.value, r.qualifier,
       r.state = 1 AS suspect, d.kind AS device_kind, d.location
  FROM registry.subject s
  JOIN registry.subject about ON about.id = s.id OR (about.home = s.home AND about.kind = 'home')
  JOIN telemetry.reading r ON r.subject = about.id
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device
 WHERE s.kind = 'client' AND r.state <> 2;

CREATE VIEW grafana.alert WITH (security_barrier) AS
SELECT s.pseudonym AS client, e.kind, e.highest AS severity, e.opened_at, e.cleared_at,
       e.acknowledged_at, e.closed_at, e.outcome
  FROM registry.subject s
  JOIN registry.subject about ON about.id = s.id OR (about.home = s.home AND about.kind = 'home')
  JOIN alerts.episode e ON e.subject = about.id
 WHERE s.kind = 'client';
