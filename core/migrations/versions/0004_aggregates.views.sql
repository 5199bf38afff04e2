-- Grafana's, by pseudonym, as grafana.reading.
CREATE VIEW grafana.reading_hourly WITH (security_barrier) AS
SELECT s.pseudonym AS client, r.bucket, m.name AS metric, m.kind, m.unit, r.count, r.suspect,
       r.mean, r.min, r.max, r.last, r.last_at, d.kind AS device_kind, d.location
  FROM registry.subject s
  JOIN registry.subject about ON about.id = s.id OR (about.home = s.home AND about.kind = 'home')
  JOIN telemetry.reading_hourly r ON r.subject = about.id
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device
 WHERE s.kind = 'client';

CREATE VIEW grafana.reading_daily WITH (security_barrier) AS
SELECT s.pseudonym AS client, r.bucket, m.name AS metric, m.kind, m.unit, r.count, r.suspect,
       r.mean, r.min, r.max, r.last, r.last_at, d.kind AS device_kind, d.location
  FROM registry.subject s
  JOIN registry.subject about ON about.id = s.id OR (about.home = s.home AND about.kind = 'home')
  JOIN telemetry.reading_daily r ON r.subject = about.id
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device
 WHERE s.kind = 'client';
