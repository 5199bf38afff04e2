-- name: lock_browsers()!
-- One change of who has which browser at a time.
SELECT pg_advisory_xact_lock(7241005);

-- name: end_browser_of_others(endpoint, member, wall)!
SELECT registry.end_browser_of_others(:endpoint, :member, :wall);

-- name: add_browser(member, address, endpoint, wall)$
WITH replaced AS (
    UPDATE registry.member_channel
       SET disabled_at = :wall, disabled_reason = 'subscribed anew'
     WHERE kind = 'webpush' AND disabled_at IS NULL AND member = :member AND address <> :address
       AND CASE WHEN kind = 'webpush' THEN address::jsonb ->> 'endpoint' END = :endpoint
)
INSERT INTO registry.member_channel (member, kind, address, created_at)
VALUES (:member, 'webpush', :address, :wall)
ON CONFLICT (coalesce(member, 0), kind, md5(address)) WHERE disabled_at IS NULL DO NOTHING
RETURNING id;

-- name: end_oldest_browsers(member, most, wall)!
UPDATE registry.member_channel
   SET disabled_at = :wall, disabled_reason = 'too many browsers'
 WHERE id IN (SELECT id FROM registry.member_channel
               WHERE kind = 'webpush' AND disabled_at IS NULL AND member = :member
               ORDER BY id DESC OFFSET :most);

-- name: end_browser(member, endpoint, wall)^
UPDATE registry.member_channel
   SET disabled_at = :wall, disabled_reason = 'unsubscribed'
 WHERE kind = 'webpush' AND disabled_at IS NULL AND member = :member
   AND CASE WHEN kind = 'webpush' THEN address::jsonb ->> 'endpoint' END = :endpoint
RETURNING id;

-- name: member_of(username)$
SELECT id FROM registry.member WHERE username = :username;

-- name: add_channel(member, kind, address, quiet_from, quiet_until, wall)$
INSERT INTO registry.member_channel (member, kind, address, quiet_from, quiet_until, created_at)
VALUES (:member, :kind, :address, :quiet_from, :quiet_until, :wall)
ON CONFLICT (coalesce(member, 0), kind, md5(address)) WHERE disabled_at IS NULL
DO UPDATE SET quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until
RETURNING id;

-- name: end_channel(id, wall)^
UPDATE registry.member_channel
   SET disabled_at = :wall, disabled_reason = 'removed'
 WHERE id = :id AND disabled_at IS NULL
RETURNING id;

-- name: channels()
SELECT c.id, m.username, c.kind, c.address, c.quiet_from, c.quiet_until, c.created_at
  FROM registry.member_channel c
  LEFT JOIN registry.member m ON m.id = c.member
 WHERE c.disabled_at IS NULL
 ORDER BY m.username NULLS FIRST, c.kind, c.id;

-- name: standing_of_delivery(wall)^
-- What an operator must know of deliveries.
SELECT (SELECT count(*) FROM registry.member_channel WHERE disabled_at IS NULL) AS channels,
       (SELECT count(*) FROM registry.member_channel
         WHERE disabled_at IS NULL AND member IS NULL) AS desk,
       (SELECT count(*) FROM alerts.outbox WHERE state = 'waiting') AS waiting,
       (SELECT extract(epoch FROM :wall - min(d.began_at))
          FROM alerts.outbox o JOIN alerts.delivery d ON d.outbox = o.id
         WHERE o.state = 'waiting') AS longest_s,
       (SELECT coalesce(array_agg(name ORDER BY name), '{}')
          FROM ops.delivery_service WHERE broken_at IS NOT NULL) AS broken;
