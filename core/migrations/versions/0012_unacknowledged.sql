-- Messages without a time of their own that were committed and perhaps not acknowledged to the
-- broker yet: which it sends again after a kill, and nothing else would tell.
CREATE TABLE ops.unacknowledged (
    session text NOT NULL,                   -- client id at the broker
    arrival bigint NOT NULL,                 -- of the last of them, microseconds since 1970
    mids    integer[] NOT NULL,              -- packet identifiers
    digests bytea NOT NULL,                  -- 16 bytes each, of topic and payload
    PRIMARY KEY (session, arrival)
);
