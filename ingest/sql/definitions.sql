-- What sources have told of how to read their messages. Arrays run in step.

-- name: definitions(gateways)
SELECT gateway, source, key, definition::text AS definition FROM telemetry.definition
 WHERE gateway = ANY(:gateways::text[]) ORDER BY gateway, source, key;

-- name: forget_definitions(gateways, sources, keys, learned_at)!
DELETE FROM telemetry.definition d
 USING unnest(:gateways::text[], :sources::text[], :keys::text[], :learned_at::timestamptz[])
       l (gateway, source, key, learned_at)
 WHERE d.gateway = l.gateway AND d.source = l.source AND d.key = l.key
   AND d.learned_at <= l.learned_at;

-- name: write_definitions(gateways, sources, keys, definitions, learned_at)!
-- Of two workers, and of a message that is tried again, the later word stands.
INSERT INTO telemetry.definition AS old (gateway, source, key, definition, learned_at)
SELECT gateway, source, key, definition::jsonb, learned_at
  FROM unnest(:gateways::text[], :sources::text[], :keys::text[], :definitions::text[],
              :learned_at::timestamptz[]) l (gateway, source, key, definition, learned_at)
 ORDER BY gateway, source, key
ON CONFLICT (gateway, source, key) DO UPDATE
   SET definition = excluded.definition, learned_at = excluded.learned_at
 WHERE old.learned_at <= excluded.learned_at;

-- name: tell_definitions(channel, gateways)!
SELECT pg_notify(:channel, gateway) FROM unnest(:gateways::text[]) g (gateway);
