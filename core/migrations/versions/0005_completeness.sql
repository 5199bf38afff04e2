-- Completeness. Of a boot the numbers from `floor` on are kept one by one (at most some hundreds of
-- ranges); below it only counts. The row with boot '' sums up boots that are no longer kept.
ALTER TABLE telemetry.received
    ADD floor         bigint NOT NULL DEFAULT 1,
    ADD settled_below bigint NOT NULL DEFAULT 0, -- received of the numbers below floor
    ADD late_below    bigint NOT NULL DEFAULT 0, -- came below floor since: missing ones or repeats
    ADD boots         integer NOT NULL DEFAULT 1;
CREATE INDEX ON telemetry.received (gateway, last_at);

-- The lowest number of a boot whose message is of that day (Europe/Helsinki), by the readings in it.
-- A boot counts upwards in time, so days begin at these numbers.
CREATE TABLE telemetry.received_day (
    gateway integer NOT NULL,
    boot    text NOT NULL,
    day     date NOT NULL,
    lowest  bigint NOT NULL,
    PRIMARY KEY (gateway, boot, day)
);

-- Sources of a gateway that do not number their messages: of these nothing can be proved.
CREATE TABLE telemetry.unnumbered (
    gateway  integer NOT NULL,
    source   text NOT NULL,
    first_at timestamptz NOT NULL,
    PRIMARY KEY (gateway, source)
);

-- Messages of each gateway, boot and day: how many it numbered, how many are here, which are
-- missing. What is missing between two days is counted with the earlier; what was announced and
-- never came, with the last. day is null for what is only counted: numbers below the floor and
-- boots that are summed up.
CREATE VIEW telemetry.completeness AS
WITH boot AS (
    SELECT gateway, boot, seqs, floor, settled_below, boots,
           greatest(announced, coalesce(upper(seqs), 1) - 1, floor - 1) AS top,
           (last_at AT TIME ZONE 'Europe/Helsinki')::date AS last_day
      FROM telemetry.received),
begins AS (
    -- The least of this and later days: one message dated too early takes nothing from the others.
    SELECT gateway, boot, day,
           min(lowest) OVER (PARTITION BY gateway, boot ORDER BY day DESC) AS lowest
      FROM telemetry.received_day),
bounds AS (
    SELECT gateway, boot, day,
           CASE WHEN row_number() OVER (PARTITION BY gateway, boot ORDER BY day) = 1 THEN 1
                ELSE lowest END AS since,
           lead(lowest) OVER (PARTITION BY gateway, boot ORDER BY day) AS until
      FROM begins),
dayed AS (
    SELECT b.gateway, b.boot, coalesce(d.day, b.last_day) AS day, b.seqs,
           int8range(greatest(coalesce(d.since, 1), b.floor),
                     greatest(coalesce(d.until, b.top + 1), coalesce(d.since, 1), b.floor)) AS span
      FROM boot b LEFT JOIN bounds d ON d.gateway = b.gateway AND d.boot = b.boot
     WHERE b.top >= b.floor),
counted AS (
    SELECT gateway, boot, day, upper(span) - lower(span) AS expected,
           int8multirange(span) - seqs AS gaps
      FROM dayed WHERE NOT isempty(span)),
missed AS (
    SELECT c.*, coalesce((SELECT sum(upper(g) - lower(g)) FROM unnest(c.gaps) g), 0)::bigint
                AS missing
      FROM counted c)
SELECT gateway, boot, day, expected, expected - missing AS received, missing,
       100.0 * (expected - missing)::double precision / expected AS percent, gaps
  FROM missed
UNION ALL
SELECT gateway, boot, NULL, floor - 1, settled_below, floor - 1 - settled_below,
       100.0 * settled_below::double precision / (floor - 1), NULL
  FROM boot WHERE floor > 1;

-- One row a gateway; sums of what it claims end at 2^62. percent is null where nothing can be proved; `unnumbered` names the sources
-- that it says nothing of.
CREATE VIEW telemetry.completeness_of_gateway AS
SELECT g.id AS gateway, g.name, least(coalesce(c.expected, 0), 2 ^ 62::numeric)::bigint AS expected,
       least(coalesce(c.received, 0), 2 ^ 62::numeric)::bigint AS received,
       least(coalesce(c.missing, 0), 2 ^ 62::numeric)::bigint AS missing,
       100.0 * c.received::double precision / c.expected AS percent,
       coalesce(c.gaps, 0)::bigint AS gaps, coalesce(l.late_below, 0)::bigint AS late_below,
       ARRAY(SELECT u.source FROM telemetry.unnumbered u WHERE u.gateway = g.id ORDER BY 1)
           AS unnumbered
  FROM registry.gateway g
  LEFT JOIN (SELECT gateway, sum(expected) AS expected, sum(received) AS received,
                    sum(missing) AS missing,
                    sum((SELECT count(*) FROM unnest(gaps))) AS gaps
               FROM telemetry.completeness GROUP BY gateway HAVING sum(expected) > 0) c
         ON c.gateway = g.id
  LEFT JOIN (SELECT gateway, sum(late_below) AS late_below FROM telemetry.received
              GROUP BY gateway) l ON l.gateway = g.id
 WHERE g.id <> 0;

-- Rejected: counted for good, kept within bounds. Unregistered gateways share one quota (0), and
-- beyond some names a day are counted together as '(others)'.
CREATE TABLE telemetry.rejected_count (
    gateway  text NOT NULL,
    reason   text NOT NULL,
    day      date NOT NULL,                  -- of arrival, Europe/Helsinki
    known    boolean NOT NULL,               -- whether the gateway was registered
    count    bigint NOT NULL,                -- readings, or messages that could not be read
    kept     bigint NOT NULL,                -- of these, put into telemetry.rejected
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (gateway, reason, day)
);
CREATE INDEX ON telemetry.rejected_count (day, known);
ALTER TABLE telemetry.rejected
    ADD charged integer NOT NULL DEFAULT 0,  -- the gateway whose quota it takes
    ADD bytes   integer NOT NULL DEFAULT 0;
CREATE TABLE telemetry.rejected_quota (
    gateway integer PRIMARY KEY,
    rows    bigint NOT NULL DEFAULT 0,       -- kept now
    bytes   bigint NOT NULL DEFAULT 0
);
UPDATE telemetry.rejected r
   SET charged = coalesce((SELECT id FROM registry.gateway g WHERE g.name = r.gateway), 0),
       bytes = 200 + coalesce(octet_length(r.payload), 0) + coalesce(octet_length(r.record::text), 0);
INSERT INTO telemetry.rejected_quota
SELECT charged, count(*), sum(bytes) FROM telemetry.rejected GROUP BY charged;
INSERT INTO telemetry.rejected_count
SELECT gateway, reason, (received_at AT TIME ZONE 'Europe/Helsinki')::date, true, count(*),
       count(*), min(received_at), max(received_at)
  FROM telemetry.rejected GROUP BY 1, 2, 3;
