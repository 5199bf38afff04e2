-- name: announce(gateways, devices, metrics, first_at, last_at, most)!
-- At most so many devices a gateway; one that is there is brought up to date.
WITH heard AS (
    SELECT h.*, a.gateway IS NOT NULL AS known,
           row_number() OVER (PARTITION BY h.gateway, a.gateway IS NULL ORDER BY device) AS place
      FROM unnest(:gateways::int[], :devices::text[], :metrics::text[],
                  :first_at::timestamptz[], :last_at::timestamptz[])
           h (gateway, device, metrics, first_at, last_at)
      LEFT JOIN telemetry.announced_device a USING (gateway, device))
INSERT INTO telemetry.announced_device AS old (gateway, device, metrics, first_at, last_at)
SELECT gateway, device, string_to_array(metrics, ' '), first_at, last_at
  FROM heard h
 WHERE known OR place + (SELECT count(*) FROM telemetry.announced_device a
                          WHERE a.gateway = h.gateway) <= :most
 ORDER BY gateway, device
ON CONFLICT (gateway, device) DO UPDATE
   SET last_at = greatest(old.last_at, excluded.last_at),
       metrics = ARRAY(SELECT DISTINCT unnest(old.metrics || excluded.metrics) ORDER BY 1 LIMIT 16)
 WHERE excluded.last_at > old.last_at + interval '1 minute'
    OR (cardinality(old.metrics) < 16 AND NOT old.metrics @> excluded.metrics);
