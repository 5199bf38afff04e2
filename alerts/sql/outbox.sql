-- name: enqueue(rows, now)
-- Each once, whoever asks again; in one order, so that two who enqueue the same never wait in a
-- circle.
INSERT INTO alerts.outbox (episode, step, member, channel, severity, what, created_at, due_at,
                           expires_at)
SELECT c.episode, c.step, c.member, c.channel, c.severity, c.what, :now, coalesce(c.due_at, :now),
       c.expires_at
  FROM jsonb_to_recordset(:rows::jsonb)
    AS c(episode bigint, step text, member int, channel text, severity smallint, what text,
         due_at timestamptz, expires_at timestamptz)
 ORDER BY c.episode, c.step, coalesce(c.member, 0), c.channel
ON CONFLICT (episode, step, coalesce(member, 0), channel) DO NOTHING
RETURNING id;

-- name: cancel(episode, what, member, wall)
UPDATE alerts.outbox
   SET state = 'cancelled', ended_at = :wall
 WHERE episode = :episode AND state = 'waiting' AND what = ANY(:what::text[])
   AND (:member::int IS NULL OR member = :member)
RETURNING id;

-- name: wake(channel)!
SELECT pg_notify(:channel, '');

-- name: seen_by(episode, member, wall)
-- What is or was to be said to a member about an episode that they are looking at now.
UPDATE alerts.outbox
   SET seen_at = :wall,
       delivered_at = CASE WHEN sent_at IS NOT NULL THEN coalesce(delivered_at, :wall) END,
       state = CASE WHEN state = 'sent' THEN 'delivered' ELSE state END
 WHERE episode = :episode AND member = :member AND seen_at IS NULL
RETURNING id;

-- name: confirm(key, seen, wall)
-- The device says that it has the message, or that it was opened.
SELECT episode FROM alerts.confirm(:key, :seen, :wall);
