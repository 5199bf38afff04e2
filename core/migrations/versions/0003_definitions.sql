-- What the messages of a gateway's source have told of how to read the ones that follow: device
-- definitions, discovery, names of aliases. Written in the transaction that stores the batch.
CREATE TABLE telemetry.definition (
    gateway    text NOT NULL,                -- as on the topic
    source     text NOT NULL,
    key        text NOT NULL,                -- of the source's own
    definition jsonb NOT NULL,
    learned_at timestamptz NOT NULL,
    PRIMARY KEY (gateway, source, key)
);
