-- Completeness of what gateways have numbered; arrays run in step.

-- name: begin_days(gateways, boots, days, lowest)!
INSERT INTO telemetry.received_day AS old (gateway, boot, day, lowest)
SELECT * FROM unnest(:gateways::int[], :boots::text[], :days::date[], :lowest::bigint[])
    ON CONFLICT (gateway, boot, day) DO UPDATE SET lowest = excluded.lowest
 WHERE excluded.lowest < old.lowest;

-- name: note_unnumbered(gateways, sources, now)!
INSERT INTO telemetry.unnumbered (gateway, source, first_at)
SELECT gateway, source, :now FROM unnest(:gateways::int[], :sources::text[]) u (gateway, source)
    ON CONFLICT DO NOTHING;

-- name: fold_gaps(gateways, boots, most)!
-- Of boots with more ranges than `most`, keep the upper half of that; count what lies below.
WITH crowded AS (
    SELECT r.gateway, r.boot,
           (SELECT lower(u) FROM unnest(r.seqs) u ORDER BY u DESC OFFSET :most / 2 - 1 LIMIT 1)
               AS floor
      FROM telemetry.received r
      JOIN unnest(:gateways::int[], :boots::text[]) b (gateway, boot)
        ON b.gateway = r.gateway AND b.boot = r.boot
     WHERE (SELECT count(*) FROM unnest(r.seqs)) > :most)
UPDATE telemetry.received r
   SET settled_below = r.settled_below
           + (SELECT sum(upper(u) - lower(u)) FROM unnest(r.seqs) u WHERE upper(u) <= c.floor),
       seqs = r.seqs * int8multirange(int8range(c.floor, NULL)),
       floor = c.floor
  FROM crowded c
 WHERE c.gateway = r.gateway AND c.boot = r.boot;

-- name: fold_boots(gateways, boots, most)!
-- Gateways may claim any number below 2^62; sums end there.
-- Of gateways with more boots than `most`, sum up those heard longest ago, but none of the batch.
WITH old AS (
    SELECT r.gateway, r.boot
      FROM (SELECT gateway, boot,
                   row_number() OVER (PARTITION BY gateway ORDER BY last_at DESC, boot) AS place
              FROM telemetry.received
             WHERE gateway = ANY(:gateways::int[]) AND boot <> '') ranked
      JOIN telemetry.received r ON r.gateway = ranked.gateway AND r.boot = ranked.boot
     WHERE ranked.place > :most AND r.boot <> ALL(:boots::text[])
       FOR UPDATE OF r SKIP LOCKED),
gone AS (
    DELETE FROM telemetry.received r USING old o
     WHERE r.gateway = o.gateway AND r.boot = o.boot
    RETURNING r.*),
days AS (
    DELETE FROM telemetry.received_day d USING old o
     WHERE d.gateway = o.gateway AND d.boot = o.boot)
INSERT INTO telemetry.received AS sum
       (gateway, boot, seqs, floor, settled_below, late_below, boots, committed, duplicates,
        rejected, first_at, last_at)
SELECT gateway, '', '{}',
       least(1 + sum(greatest(announced, coalesce(upper(seqs), 1) - 1, floor - 1)), 2 ^ 62::numeric),
       least(sum(settled_below
                 + coalesce((SELECT sum(upper(u) - lower(u)) FROM unnest(seqs) u), 0)),
             2 ^ 62::numeric),
       sum(late_below), count(*), sum(committed), sum(duplicates), sum(rejected), min(first_at),
       max(last_at)
  FROM gone GROUP BY gateway ORDER BY gateway
    ON CONFLICT (gateway, boot) DO UPDATE
   SET floor = least(sum.floor::numeric + excluded.floor - 1, 2 ^ 62::numeric),
       settled_below = least(sum.settled_below::numeric + excluded.settled_below, 2 ^ 62::numeric),
       late_below = sum.late_below + excluded.late_below, boots = sum.boots + excluded.boots,
       committed = sum.committed + excluded.committed,
       duplicates = sum.duplicates + excluded.duplicates,
       rejected = sum.rejected + excluded.rejected,
       last_at = greatest(sum.last_at, excluded.last_at);

-- name: trim_days(most)!
DELETE FROM telemetry.received_day d
 USING (SELECT gateway, boot, day,
               row_number() OVER (PARTITION BY gateway ORDER BY day DESC, boot) AS place
          FROM telemetry.received_day) ranked
 WHERE ranked.place > :most AND d.gateway = ranked.gateway AND d.boot = ranked.boot
   AND d.day = ranked.day;

-- name: completeness_of_gateways(gateway)
SELECT * FROM telemetry.completeness_of_gateway
 WHERE name = coalesce(:gateway::text, name) ORDER BY name;

-- name: completeness_by_day(gateway)
SELECT c.boot, c.day, c.expected, c.received, c.missing, c.percent, c.gaps
  FROM telemetry.completeness c JOIN registry.gateway g ON g.id = c.gateway
 WHERE g.name = :gateway ORDER BY c.day NULLS FIRST, c.boot;
