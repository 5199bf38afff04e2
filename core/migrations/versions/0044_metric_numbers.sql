-- As before, with the metric's number (telemetry.metric.id) as the last column. A condition on a
-- metric's name is met only after all that a client's devices ever said has been read, since the name
-- is in another table; one on the number is a range of the index reading_of_subject.
CREATE OR REPLACE VIEW grafana.reading WITH (security_barrier) AS
SELECT o.client, r.time, m.name AS metric, m.kind, m.unit, m.decimals, r.value, r.qualifier,
       r.state = 1 AS suspect, r.device, d.kind AS device_kind, d.location, r.metric AS metric_id
  FROM grafana.seen_subject o
  JOIN telemetry.reading r ON r.subject = o.subject
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device
 WHERE r.state <> 2;

CREATE OR REPLACE VIEW grafana.reading_hourly WITH (security_barrier) AS
SELECT o.client, r.bucket, m.name AS metric, m.kind, m.unit, m.decimals, r.count, r.suspect, r.sum,
       r.mean, r.min, r.max, r.last, r.last_at, r.device, d.kind AS device_kind, d.location,
       r.metric AS metric_id
  FROM grafana.seen_subject o
  JOIN telemetry.reading_hourly r ON r.subject = o.subject
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device;

CREATE OR REPLACE VIEW grafana.reading_daily WITH (security_barrier) AS
SELECT o.client, r.bucket, m.name AS metric, m.kind, m.unit, m.decimals, r.count, r.suspect, r.sum,
       r.mean, r.min, r.max, r.last, r.last_at, r.device, d.kind AS device_kind, d.location,
       r.metric AS metric_id
  FROM grafana.seen_subject o
  JOIN telemetry.reading_daily r ON r.subject = o.subject
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device;
