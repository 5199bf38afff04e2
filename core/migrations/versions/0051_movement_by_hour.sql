-- Hours of movement (motion 40, door 41) in a partition of their own, with an index that holds all
-- that a year of them is asked for. Hours are written as they pass, everybody's together, so of one
-- client's year each row lies on a page of its own: some 6,000 pages for a room, nearly all of them
-- on disk. The index keeps them side by side, in some 50. Not so for every metric: what an index holds
-- makes each update of a row write the index too, and vital signs come by the minute where movement
-- comes by the hour.
ALTER TABLE telemetry.reading_hourly RENAME TO reading_hourly_rest;
ALTER INDEX telemetry.reading_hourly_pkey RENAME TO reading_hourly_rest_pkey;
CREATE TABLE telemetry.reading_hourly (
    LIKE telemetry.reading_hourly_rest INCLUDING ALL EXCLUDING INDEXES,
    PRIMARY KEY (subject, metric, bucket, device)
) PARTITION BY LIST (metric);

-- An index alone answers only for pages that VACUUM has been over: so it comes after each hundredth
-- of new rows (4 days of a year) instead of each fifth.
CREATE TABLE telemetry.reading_hourly_movement (
    LIKE telemetry.reading_hourly_rest INCLUDING ALL EXCLUDING INDEXES
) WITH (fillfactor = 70, autovacuum_vacuum_insert_scale_factor = 0.01,
        autovacuum_vacuum_scale_factor = 0.01);
INSERT INTO telemetry.reading_hourly_movement
       (subject, metric, device, bucket, count, suspect, sum, min, max, last, last_at)
SELECT subject, metric, device, bucket, count, suspect, sum, min, max, last, last_at
  FROM telemetry.reading_hourly_rest
 WHERE metric IN (40, 41);
DELETE FROM telemetry.reading_hourly_rest WHERE metric IN (40, 41);

ALTER TABLE telemetry.reading_hourly
      ATTACH PARTITION telemetry.reading_hourly_movement FOR VALUES IN (40, 41);
ALTER TABLE telemetry.reading_hourly ATTACH PARTITION telemetry.reading_hourly_rest DEFAULT;
CREATE INDEX reading_hourly_movement_of_device
    ON telemetry.reading_hourly_movement (subject, device, bucket)
       INCLUDE (sum, count, suspect, metric);

-- The views as before, of the table that now has the name.
CREATE OR REPLACE VIEW grafana.reading_hourly WITH (security_barrier) AS
SELECT o.client, r.bucket, m.name AS metric, m.kind, m.unit, m.decimals, r.count, r.suspect, r.sum,
       r.mean, r.min, r.max, r.last, r.last_at, r.device, d.kind AS device_kind, d.location,
       r.metric AS metric_id
  FROM grafana.seen_subject o
  JOIN telemetry.reading_hourly r ON r.subject = o.subject
  JOIN telemetry.metric m ON m.id = r.metric
  JOIN registry.device d ON d.id = r.device;

CREATE OR REPLACE VIEW seen.reading_hourly WITH (security_barrier) AS
SELECT r.*
  FROM registry.subject s
  JOIN telemetry.reading_hourly r ON r.subject = s.id
 WHERE (SELECT audit.is_desk())
    OR coalesce((SELECT audit.gathered()) @> s.id, audit.sees(s.id));
