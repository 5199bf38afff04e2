-- What is to be brought up to date in the aggregates. Written in the transaction that stores or
-- corrects readings, taken out by whoever brings them up to date.
CREATE TABLE telemetry.touched (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    touched_at timestamptz NOT NULL,         -- wall time
    since      timestamptz NOT NULL,         -- earliest and latest time of the readings
    until      timestamptz NOT NULL,
    -- The readings to be added, as in ingest.touched; null: reckon what lies between `since` and
    -- `until` anew from what is stored, of `subject` and `device` only where they are given.
    readings   bytea,
    subject    integer,
    device     integer,
    CHECK (since <= until)
);
ALTER TABLE telemetry.touched ALTER readings SET STORAGE EXTERNAL;  -- short-lived: not compressed

-- How far things have been done; null: not at all yet.
CREATE TABLE telemetry.upkeep (
    singleton       boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    removed_before  timestamptz,             -- readings before may be gone
    hours_refreshed timestamptz,             -- continuous aggregates, up to here
    days_refreshed  timestamptz
);
INSERT INTO telemetry.upkeep DEFAULT VALUES;
