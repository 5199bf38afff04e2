-- name: enter_readings(subject, member, at, now, wall, metrics, values)$
-- Readings that a person enters: what no device measures, or what a device shows. How many are new;
-- null where there is no such client, or no gateway in their home.
SELECT telemetry.enter_readings(:subject, :member, :at, :now, :wall, :metrics::smallint[],
                                :values::float8[]);
