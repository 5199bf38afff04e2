-- Continuous aggregates with the same columns as the tables of the other editions. What is not
-- refreshed yet they read from the readings themselves.
CREATE MATERIALIZED VIEW telemetry.reading_hourly
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT subject, metric, device, time_bucket(INTERVAL '1 hour', time) AS bucket,
       count(*) AS count, count(*) FILTER (WHERE state = 1) AS suspect,
       sum(value) AS sum, avg(value) AS mean, min(value) AS min, max(value) AS max,
       last(value, time) AS last, max(time) AS last_at
  FROM telemetry.reading WHERE state <> 2
 GROUP BY subject, metric, device, time_bucket(INTERVAL '1 hour', time)
  WITH NO DATA;

CREATE MATERIALIZED VIEW telemetry.reading_daily
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT subject, metric, device, time_bucket(INTERVAL '1 day', time, 'Europe/Helsinki') AS bucket,
       count(*) AS count, count(*) FILTER (WHERE state = 1) AS suspect,
       sum(value) AS sum, avg(value) AS mean, min(value) AS min, max(value) AS max,
       last(value, time) AS last, max(time) AS last_at
  FROM telemetry.reading WHERE state <> 2
 GROUP BY subject, metric, device, time_bucket(INTERVAL '1 day', time, 'Europe/Helsinki')
  WITH NO DATA;

-- Readings of a month ago are kept by column; late ones still find their place there.
ALTER TABLE telemetry.reading SET (timescaledb.enable_columnstore,
    timescaledb.segmentby = 'device, metric', timescaledb.orderby = 'time');
CALL add_columnstore_policy('telemetry.reading', after => INTERVAL '30 days');
