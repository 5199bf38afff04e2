-- name: next_worker()$
SELECT nextval('ops.delivery_worker')::int;

-- name: live(space, worker)$
SELECT pg_try_advisory_lock(:space, :worker);

-- name: release_dead(space, wall)
-- What workers had in hand that live no more: their connection is gone, and its lock with it.
WITH dead AS MATERIALIZED (
    SELECT o.id
      FROM alerts.outbox o
     WHERE o.state = 'waiting' AND o.worker IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_locks l
                        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                          AND l.database = (SELECT oid FROM pg_database
                                             WHERE datname = current_database())
                          AND l.classid = :space::int::oid AND l.objid = o.worker::oid)
       FOR UPDATE SKIP LOCKED
), freed AS (
    UPDATE alerts.outbox o
       SET worker = NULL, retry_at = NULL
      FROM dead
     WHERE o.id = dead.id
    RETURNING o.id
), marked AS (
    UPDATE alerts.delivery d
       SET result = 'interrupted', ended_at = :wall
      FROM freed
     WHERE d.outbox = freed.id AND d.result = 'sending'
)
SELECT id FROM freed;

-- name: take(now, wall, least)^
-- The most severe message that is due and that nobody has in hand; others are passed over.
SELECT o.id, o.key, o.episode, o.step, o.member, o.channel, o.severity, o.what, o.created_at,
       o.expires_at, o.attempts, e.closed_at,
       e.acknowledged_at > o.created_at AS acknowledged_since,
       coalesce(m.language, 'fi') AS language, m.disabled_at IS NOT NULL AS disabled
  FROM alerts.outbox o
  JOIN alerts.episode e ON e.id = o.episode
  LEFT JOIN registry.member m ON m.id = o.member
 WHERE o.state = 'waiting' AND o.worker IS NULL AND o.severity >= :least
   AND o.due_at <= :now AND (o.retry_at IS NULL OR o.retry_at <= :wall)
 ORDER BY o.severity DESC, o.due_at, o.id
 LIMIT 1
   FOR UPDATE OF o SKIP LOCKED;

-- name: next_due(least)^
-- When the next message falls due: by the shared clock, and by the wall.
SELECT min(o.due_at) FILTER (WHERE o.retry_at IS NULL) AS due_at, min(o.retry_at) AS retry_at
  FROM alerts.outbox o
 WHERE o.state = 'waiting' AND o.worker IS NULL AND o.severity >= :least;

-- name: told_before(episode, member, id)$
-- Whether anything else about an episode went out to a member, so that there is something to
-- take back.
SELECT EXISTS (SELECT FROM alerts.outbox
                WHERE episode = :episode AND coalesce(member, 0) = coalesce(:member::int, 0)
                  AND id <> :id AND attempts > 0 AND channel <> 'home');

-- name: is_superseded(episode, member, channel, id, now)$
-- Whether a newer message to the same recipient says as much.
SELECT EXISTS (SELECT FROM alerts.outbox n
                 JOIN alerts.outbox o ON o.id = :id
                WHERE n.episode = :episode AND coalesce(n.member, 0) = coalesce(:member::int, 0)
                  AND n.channel = :channel AND n.id > :id AND n.severity >= o.severity
                  AND n.what IN ('page', 'reminder')
                  AND n.state IN ('waiting', 'sent', 'delivered') AND n.due_at <= :now);

-- name: addresses(member)
SELECT id, kind, address, quiet_from, quiet_until
  FROM registry.member_channel
 WHERE coalesce(member, 0) = coalesce(:member::int, 0) AND disabled_at IS NULL
 ORDER BY id;

-- name: home_gateways(episode)
-- The gateways of the home that an episode is about, and the language spoken there.
SELECT g.name, coalesce((SELECT c.language
                           FROM registry.client c
                           JOIN registry.subject cs ON cs.id = c.subject
                          WHERE c.subject = s.id OR cs.home = s.home
                          ORDER BY c.subject <> s.id, c.subject LIMIT 1), 'fi') AS language
  FROM alerts.episode e
  JOIN registry.subject s ON s.id = e.subject
  JOIN registry.gateway g ON g.home = s.home AND g.revoked_at IS NULL
 WHERE e.id = :episode
 ORDER BY g.name;

-- name: tries(outbox)
SELECT address, service, result FROM alerts.delivery WHERE outbox = :outbox ORDER BY id;

-- name: add_services(names)!
INSERT INTO ops.delivery_service (name)
SELECT name FROM unnest(:names::text[]) AS name
 WHERE NOT EXISTS (SELECT FROM ops.delivery_service s WHERE s.name = name.name)
 ORDER BY name
ON CONFLICT DO NOTHING;

-- name: lock_services(names)
-- Always in the order of names, and after the message, so that workers never wait in a circle.
SELECT name, failures, failing_since, broken_at, paused_until, tried_at, allowance, counted_at
  FROM ops.delivery_service
 WHERE name = ANY(:names::text[])
 ORDER BY name
   FOR UPDATE;

-- name: count_use(name, allowance, wall)!
UPDATE ops.delivery_service
   SET allowance = :allowance, counted_at = :wall, tried_at = :wall
 WHERE name = :name;

-- name: note_service(name, failures, failing_since, broken_at, paused_until, worked_at, error)!
UPDATE ops.delivery_service
   SET failures = :failures, failing_since = :failing_since, broken_at = :broken_at,
       paused_until = :paused_until, worked_at = coalesce(:worked_at, worked_at),
       last_error = coalesce(:error, last_error)
 WHERE name = :name;

-- name: begin_attempt(id, worker)!
UPDATE alerts.outbox SET worker = :worker, attempts = attempts + 1 WHERE id = :id;

-- name: begin_tries(outbox, addresses, services, is_repeat, wall)
INSERT INTO alerts.delivery (outbox, address, service, is_repeat, began_at)
SELECT :outbox, a.address, a.service, :is_repeat, :wall
  FROM unnest(:addresses::int[], :services::text[]) WITH ORDINALITY AS a(address, service, place)
 ORDER BY a.place
RETURNING id;

-- name: end_tries(ids, results, receipts, errors, wall)!
UPDATE alerts.delivery d
   SET result = c.result, receipt = c.receipt, error = c.error, ended_at = :wall
  FROM unnest(:ids::bigint[], :results::text[], :receipts::text[], :errors::text[])
    AS c(id, result, receipt, error)
 WHERE d.id = c.id;

-- name: hold(id, worker)$
-- Whether the message is still this worker's to end; nobody else takes it meanwhile.
SELECT id FROM alerts.outbox WHERE id = :id AND worker = :worker FOR UPDATE;

-- name: was_sent(id, wall)!
UPDATE alerts.outbox
   SET worker = NULL, retry_at = NULL, sent_at = coalesce(sent_at, :wall), ended_at = :wall,
       state = CASE WHEN state = 'delivered' THEN state ELSE 'sent' END
 WHERE id = :id;

-- name: not_sent(id, retry_at, error)!
UPDATE alerts.outbox
   SET worker = NULL, retry_at = :retry_at, last_error = :error
 WHERE id = :id;

-- name: put_off(id, retry_at)!
UPDATE alerts.outbox SET retry_at = :retry_at WHERE id = :id;

-- name: give_up(id, state, error, wall)!
UPDATE alerts.outbox
   SET state = :state, last_error = coalesce(:error, last_error), ended_at = :wall, worker = NULL
 WHERE id = :id AND state = 'waiting';

-- name: disable_channel(id, reason, wall)!
UPDATE registry.member_channel
   SET disabled_at = :wall, disabled_reason = :reason
 WHERE id = :id AND disabled_at IS NULL;

-- name: note_desk(now, wall)!
-- Has the engine look at what is nobody's: broken services among it.
INSERT INTO telemetry.note (subject, since, until, noted_at) VALUES (0, :now, :now, :wall);

-- name: broken_services()
SELECT name, failing_since FROM ops.delivery_service
 WHERE broken_at IS NOT NULL ORDER BY name;
