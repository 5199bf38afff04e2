-- Sessions at the broker and who uses them. A holder makes `beats` go on while it hears the broker;
-- others take over a session whose beats stand still.
CREATE TABLE ops.ingest_slot (
    name       text PRIMARY KEY,             -- client id of the session
    service    text NOT NULL,                -- workers of one service share what comes
    shared     boolean NOT NULL,             -- its holder takes a share; otherwise everything
    draining   boolean NOT NULL DEFAULT false,   -- read to its end, then ended
    holder     uuid,                         -- a process; null: given back
    beats      bigint NOT NULL DEFAULT 0,
    renewed_at timestamptz NOT NULL          -- wall time, for people
);

-- Two workers may write what a gateway said in the wrong order: the later word stands.
ALTER TABLE telemetry.gateway_status ADD COLUMN said_at timestamptz;
