-- Calls for help whose time is their arrival's, of which the lookout and the main subscription each
-- get a copy: whoever comes second takes the other's row away instead of storing the call again.
CREATE TABLE ops.call_copy (
    digest  bytea NOT NULL,                  -- SHA-256 of topic and payload
    early   boolean NOT NULL,                -- stored by the lookout
    seen_at timestamptz NOT NULL             -- wall time
);
CREATE INDEX ON ops.call_copy (digest);
