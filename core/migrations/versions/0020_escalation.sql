-- Who is called when nobody acknowledges, and until when somebody has it.

-- An acknowledgement is a lease.
ALTER TABLE alerts.episode
    ADD acknowledged_until timestamptz,
    ADD CHECK (acknowledged_until IS NULL OR acknowledged_at IS NOT NULL);

ALTER TABLE alerts.episode_event DROP CONSTRAINT episode_event_what_check;
ALTER TABLE alerts.episode_event ADD CONSTRAINT episode_event_what_check CHECK (what IN (
    'opened', 'rose', 'fell', 'updated', 'cleared', 'returned',
    'called',                                -- member: who (null: the desk) was asked to see to it
    'acknowledged', 'renewed', 'handed_over', 'released',
    'lapsed',                                -- the lease ran out: back in the queue
    'contacted',                             -- a person was reached
    'closed'));
CREATE INDEX called_member ON alerts.episode_event (member, episode) WHERE what = 'called';

-- When somebody must be called about an open episode, or its lease ends; gone when it is closed.
-- Whoever changes a row holds the episode's row.
CREATE TABLE alerts.timer (
    episode     bigint PRIMARY KEY REFERENCES alerts.episode,
    round       integer NOT NULL DEFAULT 1,  -- in each everybody is called once
    calls       integer NOT NULL DEFAULT 0,  -- steps taken in this round
    reminders   integer NOT NULL DEFAULT 0,  -- of the desk in this round
    reminded_at timestamptz,
    due_at      timestamptz NOT NULL
);
CREATE INDEX ON alerts.timer (due_at);

CREATE INDEX ON alerts.episode (acknowledged_by) WHERE closed_at IS NULL;
CREATE INDEX ON alerts.outbox (member, id);
CREATE INDEX ON audit.session (member, seen_at);

-- The event that says that a person was reached, where that still holds: not after another event
-- that nobody knew of when they were.
CREATE FUNCTION alerts.contact_of(of_episode bigint) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT c.id
      FROM alerts.episode_event c
     WHERE c.episode = of_episode AND c.what = 'contacted'
       AND NOT EXISTS (
               SELECT FROM alerts.episode_event v
                WHERE v.episode = of_episode AND v.id > c.id
                  AND (v.what IN ('rose', 'returned')
                       OR v.what = 'updated'
                      AND (v.detail ? 'acknowledgement_ended'
                           OR EXISTS (SELECT FROM alerts.episode_event l
                                       WHERE l.episode = of_episode AND l.id > c.id AND l.id < v.id
                                         AND l.what IN ('released', 'lapsed')))))
     ORDER BY c.id DESC
     LIMIT 1
$$;

-- What is open now is called about at once; what somebody has they have for an hour from then.
UPDATE alerts.episode SET acknowledged_until = acknowledged_at + interval '1 hour'
 WHERE acknowledged_at IS NOT NULL AND closed_at IS NULL;
INSERT INTO alerts.timer (episode, due_at)
SELECT id, coalesce(acknowledged_until, changed_at) FROM alerts.episode WHERE closed_at IS NULL;

-- Whom a member may see at a moment: as before, and whoever was called about an episode sees its
-- client while it is open, and for half a day after it was closed, to write it up. So written that
-- a question about a few subjects costs a few index lookups.
CREATE OR REPLACE FUNCTION registry.visible_subjects(member_id integer, at timestamptz)
RETURNS TABLE (subject integer) LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 AS $$
    SELECT s.id
      FROM registry.subject s, registry.member m
     WHERE m.id = member_id AND m.disabled_at IS NULL AND m.role = 'coordinator'
    UNION
    SELECT c.id
      FROM registry.subject c
      JOIN registry.home h ON h.id = c.home
      JOIN registry.care_relationship cr ON cr.subject = c.id AND cr.during @> visible_subjects.at
      JOIN registry.team_area ta ON ta.team = cr.team AND ta.area = h.area
      JOIN (SELECT team, member FROM registry.team_member
             UNION ALL
            SELECT team, member FROM registry.shift WHERE during @> visible_subjects.at) tm
        ON tm.team = cr.team AND tm.member = member_id
      JOIN registry.member m ON m.id = tm.member AND m.disabled_at IS NULL
                            AND m.role IN ('member', 'clinician')
    UNION
    SELECT s.id
      FROM registry.subject s
      JOIN registry.subject c ON c.home = s.home AND c.kind = 'client'
      JOIN registry.home h ON h.id = c.home
      JOIN registry.care_relationship cr ON cr.subject = c.id AND cr.during @> visible_subjects.at
      JOIN registry.team_area ta ON ta.team = cr.team AND ta.area = h.area
      JOIN (SELECT team, member FROM registry.team_member
             UNION ALL
            SELECT team, member FROM registry.shift WHERE during @> visible_subjects.at) tm
        ON tm.team = cr.team AND tm.member = member_id
      JOIN registry.member m ON m.id = tm.member AND m.disabled_at IS NULL
                            AND m.role IN ('member', 'clinician')
     WHERE s.kind = 'home'
    UNION
    SELECT s.id
      FROM alerts.episode_event v
      JOIN registry.member m ON m.id = v.member AND m.disabled_at IS NULL
                            AND m.role IN ('member', 'clinician')
      JOIN alerts.episode e ON e.id = v.episode
                           AND (e.closed_at IS NULL
                                OR e.closed_at > visible_subjects.at - interval '12 hours')
      JOIN registry.subject c ON c.id = e.subject
      JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND 'home' IN (s.kind, c.kind))
     WHERE v.member = member_id AND v.what = 'called'
$$;
