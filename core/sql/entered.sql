-- Readings that a person enters: what no device measures, or what a device shows.

-- name: entering_device(subject)$
-- The stand-in for the person's own senses: one for each client, in the home where they live now. It
-- is assigned to nobody, so what the wire sends under its name is nobody's.
WITH place AS (
    SELECT g.id AS gateway, 'entered-' || s.id AS name
      FROM registry.subject s JOIN registry.gateway g ON g.home = s.home
     WHERE s.id = :subject AND s.kind = 'client'
     ORDER BY g.revoked_at IS NOT NULL, g.id
     LIMIT 1
), made AS (
    INSERT INTO registry.device (gateway, name, kind)
    SELECT gateway, name, 'entered' FROM place
    ON CONFLICT (gateway, name) DO NOTHING
    RETURNING id
)
SELECT id FROM made
UNION ALL
SELECT d.id FROM registry.device d JOIN place USING (gateway, name)
 LIMIT 1;

-- name: store_entered(device, subject, member, at, now, metrics, values)
-- What is stored under the same key already stays as it is.
INSERT INTO telemetry.reading (time, received_at, value, device, subject, metric, entered_by)
SELECT :at, :now, value, :device, :subject, metric, :member
  FROM unnest(:metrics::smallint[], :values::float8[]) AS e(metric, value)
ON CONFLICT DO NOTHING
RETURNING metric;
