-- One value of one metric of one device at one time.
CREATE UNIQUE INDEX reading_key ON telemetry.reading (device, metric, time);
-- What the trends and the alert worker read.
CREATE INDEX reading_of_subject ON telemetry.reading (subject, metric, time DESC);
