-- Enrolment: why a gateway was revoked, and the devices it spoke of that nobody has registered.
ALTER TABLE registry.gateway
    ADD COLUMN revoked_reason text,
    ADD COLUMN credential text CHECK (credential IN ('password', 'certificate'));

-- A coordinator says what they are and whose; then their row goes. Bounded a gateway by ingest.
CREATE TABLE telemetry.announced_device (
    gateway  integer NOT NULL,
    device   text NOT NULL,                  -- as it is called on the wire
    metrics  text[] NOT NULL,                -- what it said it measured: how to tell what it is
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (gateway, device)
);
