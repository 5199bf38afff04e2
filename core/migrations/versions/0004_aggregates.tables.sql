-- Readings by hour and by day (Europe/Helsinki), struck-out ones left out, doubtful ones included
-- and counted. `bucket` is when the hour or day begins.
CREATE TABLE telemetry.reading_hourly (
    subject integer NOT NULL,
    metric  smallint NOT NULL,
    device  integer NOT NULL,
    bucket  timestamptz NOT NULL,
    count   bigint NOT NULL,
    suspect bigint NOT NULL,                 -- of these, doubtful
    sum     double precision NOT NULL,
    mean    double precision NOT NULL GENERATED ALWAYS AS (sum / count) STORED,
    min     double precision NOT NULL,
    max     double precision NOT NULL,
    last    double precision NOT NULL,       -- value at last_at
    last_at timestamptz NOT NULL,
    PRIMARY KEY (subject, metric, bucket, device),
    CHECK (count > 0)
) WITH (fillfactor = 70);                    -- the newest buckets are written again and again
CREATE TABLE telemetry.reading_daily (
    LIKE telemetry.reading_hourly INCLUDING ALL
) WITH (fillfactor = 70);

-- What is stored already is reckoned in slices.
INSERT INTO telemetry.touched (touched_at, since, until)
SELECT clock_timestamp(), week, week + INTERVAL '7 days'
  FROM (SELECT min(time) AS first, max(time) AS last FROM telemetry.reading) r,
       generate_series(first, last, INTERVAL '7 days') week;
