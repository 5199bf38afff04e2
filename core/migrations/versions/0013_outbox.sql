-- What is to be said to people outside, by which channels, and what became of it.

-- How a member, or the desk, is reached. The address is a secret: a push subscription as browsers
-- give it, or a URL of Apprise with its user and password.
CREATE TABLE registry.member_channel (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member          integer REFERENCES registry.member,     -- null: the desk
    kind            text NOT NULL CHECK (kind IN ('webpush', 'sms', 'email', 'chat')),
    address         text NOT NULL CHECK (length(address) BETWEEN 1 AND 4096),
    quiet_from      time,                    -- in Europe/Helsinki; may end on the next day
    quiet_until     time,
    created_at      timestamptz NOT NULL,
    disabled_at     timestamptz,
    disabled_reason text,
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
CREATE INDEX ON registry.member_channel (coalesce(member, 0)) WHERE disabled_at IS NULL;
CREATE UNIQUE INDEX ON registry.member_channel (coalesce(member, 0), kind, md5(address))
    WHERE disabled_at IS NULL;

-- One row a message; written in the transaction of what it tells of, so it is there once.
CREATE TABLE alerts.outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),  -- for the outside to know it by
    episode      bigint NOT NULL REFERENCES alerts.episode,
    step         text NOT NULL CHECK (length(step) BETWEEN 1 AND 100),
    member       integer REFERENCES registry.member,              -- null: the desk; or the home
    channel      text NOT NULL DEFAULT ''                         -- '': as settings and severity say
                 CHECK (channel IN ('', 'webpush', 'sms', 'email', 'chat', 'home')),
    severity     smallint NOT NULL CHECK (severity BETWEEN 1 AND 4),
    what         text NOT NULL CHECK (what IN ('page', 'reminder', 'stand_down', 'help_coming')),
    created_at   timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    expires_at   timestamptz,                                     -- of no use to anybody from then on
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN
                 ('waiting', 'sent', 'delivered', 'failed', 'expired', 'cancelled')),
    -- From here on wall time: the outside lives in it.
    attempts     integer NOT NULL DEFAULT 0,
    worker       integer,                                         -- who is sending it just now
    retry_at     timestamptz,
    sent_at      timestamptz,                                     -- somebody outside has taken it
    delivered_at timestamptz,                                     -- it is on the device
    seen_at      timestamptz,                                     -- a person has looked
    ended_at     timestamptz,                                     -- the worker is through with it
    last_error   text
);
CREATE UNIQUE INDEX once ON alerts.outbox (episode, step, coalesce(member, 0), channel);
CREATE INDEX ON alerts.outbox (severity DESC, due_at) WHERE state = 'waiting';

-- One row a try at one address, written before it goes out.
CREATE TABLE alerts.delivery (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    outbox   bigint NOT NULL REFERENCES alerts.outbox,
    address  integer REFERENCES registry.member_channel,          -- null: the home's gateway
    service  text NOT NULL,                                       -- who takes it there, by name
    is_repeat boolean NOT NULL,                                   -- an earlier try may have arrived
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    result   text NOT NULL DEFAULT 'sending' CHECK (result IN
             ('sending', 'sent', 'delivered', 'seen', 'failed', 'refused', 'gone', 'interrupted')),
    receipt  text,                                                -- what the outside knows it by
    error    text
);
CREATE INDEX ON alerts.delivery (outbox, id);

-- Who takes messages there, and whether they do; shared by all workers.
CREATE TABLE ops.delivery_service (
    name          text PRIMARY KEY,          -- webpush:fcm.googleapis.com, sms:twilio, home, …
    failures      integer NOT NULL DEFAULT 0,-- since the last success
    failing_since timestamptz,
    broken_at     timestamptz,               -- an alert stands at the desk
    paused_until  timestamptz,               -- as the service asked (Retry-After)
    tried_at      timestamptz,
    worked_at     timestamptz,
    allowance     double precision,          -- messages that may go at once; null: never used
    counted_at    timestamptz,
    last_error    text
);

-- A number for each delivering worker, which holds the advisory lock of that number while it lives.
CREATE SEQUENCE ops.delivery_worker AS integer CYCLE;
