-- Whose readings are. A reading of a device that several people use, of which nobody can tell whose
-- it is, is stored with the unknown subject until a person says; here is what the device said.
CREATE TABLE telemetry.held (
    device     integer NOT NULL,
    metric     smallint NOT NULL,
    time       timestamptz NOT NULL,         -- with device and metric, the key of the reading
    user_index smallint,                     -- as the device gave it; 0: it does not know; null: none
    state      smallint NOT NULL,            -- of the reading, once its owner is known
    held_at    timestamptz NOT NULL,
    PRIMARY KEY (device, metric, time)
);

-- What a person, or a change of the registry, has put right about readings already stored. The
-- readings themselves carry what holds now; what held before is here. Only grows.
CREATE TABLE telemetry.correction (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at timestamptz NOT NULL,
    wall_at timestamptz NOT NULL,
    member  integer REFERENCES registry.member,   -- null: an operator, at the command line
    what    text NOT NULL CHECK (what IN ('struck_out', 'reassigned', 'restored')),
    reason  text NOT NULL CHECK (length(trim(reason)) > 0),
    former  jsonb NOT NULL DEFAULT '[]'      -- assignments of the device that were changed with it
);

CREATE TABLE telemetry.corrected_reading (
    correction     bigint NOT NULL REFERENCES telemetry.correction,
    device         integer NOT NULL,
    metric         smallint NOT NULL,
    time           timestamptz NOT NULL,
    subject_before integer NOT NULL,
    subject_after  integer NOT NULL,
    state_before   smallint NOT NULL,
    state_after    smallint NOT NULL,
    PRIMARY KEY (correction, device, metric, time)
);
CREATE INDEX ON telemetry.corrected_reading (device, metric, time);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON telemetry.correction
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON telemetry.corrected_reading
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
