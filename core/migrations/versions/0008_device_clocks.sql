-- Devices whose clocks were found wrong, and what became of their readings.
CREATE TABLE telemetry.device_clock (
    device    integer PRIMARY KEY,
    fault     text NOT NULL,                 -- as in ingest.device_time.Fault
    seconds   double precision NOT NULL,     -- added to its times, the last time
    since     timestamptz NOT NULL,
    seen_at   timestamptz NOT NULL,
    corrected bigint NOT NULL DEFAULT 0,     -- readings
    jumps     integer NOT NULL DEFAULT 0     -- times that the offset changed by more than 5 minutes
);

-- What the device itself said of the time of a reading that is stored with another.
CREATE TABLE telemetry.corrected_time (
    device      integer NOT NULL,
    metric      smallint NOT NULL,
    time        timestamptz NOT NULL,        -- with device and metric, the key of the reading
    device_time double precision NOT NULL,   -- Unix seconds by its clock
    fault       text NOT NULL,
    PRIMARY KEY (device, metric, time)
);
