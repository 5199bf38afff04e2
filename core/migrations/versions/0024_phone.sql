-- The team's phone: actions applied once, what is done on the way and at the door, readings that a
-- person enters, and members who are alone in a home.

ALTER TABLE alerts.episode_event DROP CONSTRAINT episode_event_what_check;
ALTER TABLE alerts.episode_event ADD CONSTRAINT episode_event_what_check CHECK (what IN (
    'opened', 'rose', 'fell', 'updated', 'cleared', 'returned',
    'called',                                -- member: who (null: the desk) was asked to see to it
    'acknowledged', 'renewed', 'handed_over', 'released',
    'lapsed',                                -- the lease ran out: back in the queue
    'contacted',                             -- a person was reached
    'on_way', 'arrived', 'not_reached', 'noted', 'remote_visit',
    'asked',                                 -- another profession, about the same case
    'observed',                              -- readings were entered
    'alone_started', 'alone_ended',
    'alone_overdue',                         -- member: who has not said that they are out
    'closed'));

-- What a phone asked for and how that ended, so that asking again gives the same answer.
CREATE TABLE alerts.action (
    id       uuid PRIMARY KEY,               -- made on the phone
    member   integer NOT NULL REFERENCES registry.member,
    digest   bytea NOT NULL,                 -- SHA-256 of what was asked for
    made_at  timestamptz NOT NULL,           -- wall time at which it was done, as far as can be told
    ahead    interval,                       -- the phone's clock before ours; null: it did not say
    wall_at  timestamptz NOT NULL,           -- wall time at which it was applied or refused
    status   smallint NOT NULL DEFAULT 200,
    sentence text                            -- why it was refused; null: it was applied
);
CREATE INDEX ON alerts.action (wall_at);

-- Members alone in a home; gone when they say that they are out.
CREATE TABLE alerts.alone (
    member  integer PRIMARY KEY REFERENCES registry.member,
    episode bigint NOT NULL REFERENCES alerts.episode,
    since   timestamptz NOT NULL,
    due_at  timestamptz NOT NULL,            -- when the desk is told
    told    integer NOT NULL DEFAULT 0       -- how often it was
);
CREATE INDEX ON alerts.alone (due_at);

ALTER TABLE alerts.outbox DROP CONSTRAINT outbox_what_check;
ALTER TABLE alerts.outbox ADD CONSTRAINT outbox_what_check
    CHECK (what IN ('page', 'reminder', 'stand_down', 'help_coming', 'alone'));

-- What whoever comes must know, and how the door opens.
ALTER TABLE registry.home
    ADD hazards   text[] NOT NULL DEFAULT '{}',
    ADD door_code text NOT NULL DEFAULT '';  -- shown for open tasks only, each look on record
