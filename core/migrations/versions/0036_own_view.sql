-- A client's own view. A client is no member and never becomes one: a login and sessions of their
-- own, and views that show the one client whose session it is, and nobody else.

-- A code that somebody of the care team gives to the client; it opens one session. All wall time.
CREATE TABLE audit.client_code (
    code_hash  bytea PRIMARY KEY,            -- SHA-256; the code itself is kept nowhere
    subject    integer NOT NULL REFERENCES registry.client,
    made_by    integer NOT NULL REFERENCES registry.member,
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz                   -- used, or another was given instead
);
CREATE INDEX ON audit.client_code (subject);

CREATE TABLE audit.client_session (
    token_hash bytea PRIMARY KEY,            -- SHA-256; the token itself is only in the cookie
    subject    integer NOT NULL REFERENCES registry.client,
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    idle       interval NOT NULL,            -- unused for this long it ends
    ended_at   timestamptz
);
CREATE INDEX ON audit.client_session (subject);

-- What clients say in words of their own; members write down what was said to them.
CREATE TABLE alerts.own_word (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action  uuid NOT NULL UNIQUE,            -- made by the page: sent twice, said once
    subject integer NOT NULL REFERENCES registry.client,
    at      timestamptz NOT NULL,            -- shared clock
    wall_at timestamptz NOT NULL,
    what    text NOT NULL CHECK (what IN ('call', 'after')),
    episode bigint REFERENCES alerts.episode,                     -- of which it is afterwards
    answer  text CHECK (answer IN ('yes', 'partly', 'no')),       -- whether it was of help
    words   text NOT NULL CHECK (length(words) <= 1000),
    member  integer REFERENCES registry.member,                   -- who wrote it down; null: the client
    CHECK ((what = 'after') = (episode IS NOT NULL AND answer IS NOT NULL))
);
CREATE INDEX ON alerts.own_word (subject, at);
ALTER TABLE alerts.own_word ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON alerts.own_word FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered()) @> subject, audit.sees(subject)));
GRANT SELECT ON alerts.own_word TO saimi_web;

-- A client's own looks are on record as everybody's, so that they see when their login was used.
ALTER TABLE audit.access ALTER COLUMN member DROP NOT NULL,
    ADD CHECK (member IS NOT NULL OR purpose = 'own');

-- Who is asking: beside members (0026), the client of an own session.
ALTER TABLE audit.acting ADD COLUMN client integer;

CREATE FUNCTION audit.own_client() RETURNS integer LANGUAGE plpgsql STABLE SECURITY DEFINER
PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT a.client FROM audit.acting a
             WHERE a.xid = pg_current_xact_id_if_assigned() AND a.pid = pg_backend_pid());
END $$;

-- Act for the client of this session to the end of the transaction; their language, null where it is
-- no session any more.
CREATE FUNCTION audit.act_for_client(token text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found integer;
BEGIN
    UPDATE audit.client_session s SET seen_at = clock_timestamp()
     WHERE s.token_hash = audit.hash_token(token) AND s.ended_at IS NULL
       AND s.expires_at > clock_timestamp() AND s.seen_at > clock_timestamp() - s.idle
    RETURNING s.subject INTO found;
    IF found IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit.acting (xid, pid, members, client)
    VALUES (pg_current_xact_id(), pg_backend_pid(), '{}', found)
    ON CONFLICT (xid) DO UPDATE SET client = excluded.client;
    RETURN (SELECT c.language FROM registry.client c WHERE c.subject = found);
END $$;

CREATE FUNCTION audit.end_client_session(token text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE audit.client_session SET ended_at = clock_timestamp()
     WHERE token_hash = audit.hash_token(token) AND ended_at IS NULL;
END $$;

CREATE FUNCTION audit.look_at_own(at_what text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO audit.access (wall_at, subject, what, purpose)
    VALUES (clock_timestamp(), audit.own_client(), at_what, 'own');
END $$;

-- Open a session with a code and the birth date of the client to whom it was given; false: not so.
-- `kept`: the device is the client's own and stays logged in.
CREATE FUNCTION login.start_client_session(code text, birth date, token text, kept boolean)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at CONSTANT timestamptz := clock_timestamp();
    found integer;
BEGIN
    UPDATE audit.client_code k SET ended_at = at
      FROM registry.client c
     WHERE k.code_hash = audit.hash_token(code) AND k.ended_at IS NULL AND k.expires_at > at
       AND c.subject = k.subject AND c.born = birth
    RETURNING k.subject INTO found;
    IF found IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO audit.client_session (token_hash, subject, created_at, seen_at, expires_at, idle)
    VALUES (audit.hash_token(token), found, at, at,
            at + CASE WHEN kept THEN interval '90 days' ELSE interval '12 hours' END,
            CASE WHEN kept THEN interval '90 days' ELSE interval '30 minutes' END);
    RETURN true;
END $$;

-- Give a client a code for a login of their own: their carers, and the desk. It holds two weeks, and
-- alone: what was given before is worth nothing. False: the caller may not.
CREATE FUNCTION audit.give_client_code(act uuid, of_subject integer, code text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT audit.may_pause(of_subject) OR length(code) < 12
       OR NOT EXISTS (SELECT FROM registry.client c WHERE c.subject = of_subject)
       OR NOT audit.note_change(act, 'own_login', of_subject, '{"given": true}', '') THEN
        RETURN false;
    END IF;
    UPDATE audit.client_code k SET ended_at = clock_timestamp()
     WHERE k.subject = of_subject AND k.ended_at IS NULL;
    INSERT INTO audit.client_code (code_hash, subject, made_by, made_at, expires_at)
    VALUES (audit.hash_token(code), of_subject, (audit.members())[1], clock_timestamp(),
            clock_timestamp() + interval '14 days');
    RETURN true;
END $$;

-- End a client's own logins and codes: a tablet was lost, or somebody else has it.
CREATE FUNCTION audit.end_client_logins(act uuid, of_subject integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT audit.may_pause(of_subject) THEN
        RETURN false;
    END IF;
    IF audit.note_change(act, 'own_login', of_subject, '{"ended": true}', '') THEN
        UPDATE audit.client_code k SET ended_at = clock_timestamp()
         WHERE k.subject = of_subject AND k.ended_at IS NULL;
        UPDATE audit.client_session s SET ended_at = clock_timestamp()
         WHERE s.subject = of_subject AND s.ended_at IS NULL;
    END IF;
    RETURN true;
END $$;

-- How a client logs in, for whoever may give them a login.
CREATE VIEW seen.client_login WITH (security_barrier) AS
SELECT c.subject,
       (SELECT count(*) FROM audit.client_session s
         WHERE s.subject = c.subject AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
           AND s.seen_at > clock_timestamp() - s.idle) AS sessions,
       (SELECT max(s.seen_at) FROM audit.client_session s WHERE s.subject = c.subject) AS seen_at,
       (SELECT max(k.expires_at) FROM audit.client_code k
         WHERE k.subject = c.subject AND k.ended_at IS NULL
           AND k.expires_at > clock_timestamp()) AS code_until
  FROM registry.client c WHERE audit.may_pause(c.subject);

-- When somebody was in touch about an alert of the client's.
CREATE FUNCTION audit.own_contact(of_episode bigint) RETURNS timestamptz LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT v.at FROM alerts.episode e
              JOIN alerts.episode_event v ON v.id = alerts.contact_of(e.id)
             WHERE e.id = of_episode AND e.subject = audit.own_client());
END $$;

-- What the client may see, each of them of one client only.
CREATE VIEW seen.own_client WITH (security_barrier) AS
SELECT c.subject, c.given_name, c.family_name, a.name AS municipality,
       ARRAY(SELECT t.name FROM registry.care_relationship cr JOIN registry.team t ON t.id = cr.team
              WHERE cr.subject = c.subject AND cr.during @> ops.now() ORDER BY t.name) AS teams
  FROM registry.client c
  JOIN registry.subject s ON s.id = c.subject
  JOIN registry.home h ON h.id = s.home
  JOIN registry.area a ON a.id = h.area
 WHERE c.subject = (SELECT audit.own_client());

-- The newest of each metric of each device at home within a month. What a home's sensors say is about
-- everybody who lives there: only that they are, and when they were heard.
CREATE VIEW seen.own_measured WITH (security_barrier) AS
SELECT d.id AS device, d.kind, d.location, s.kind = 'home' AS of_home, m.name AS metric, r.time,
       CASE WHEN s.kind = 'client' THEN r.value END AS value, r.qualifier
  FROM registry.subject own
  JOIN registry.subject s ON s.id = own.id OR (s.home = own.home AND s.kind = 'home')
  JOIN registry.gateway g ON g.home = own.home
  JOIN registry.device d ON d.gateway = g.id
 CROSS JOIN telemetry.metric m
 CROSS JOIN LATERAL (
        SELECT r.time, r.value, r.qualifier
          FROM telemetry.reading r
         WHERE r.device = d.id AND r.metric = m.id AND r.subject = s.id AND r.state = 0
           AND r.time > (SELECT ops.now()) - interval '30 days'
         ORDER BY r.time DESC LIMIT 1) r
 WHERE own.id = (SELECT audit.own_client());

CREATE VIEW seen.own_look WITH (security_barrier) AS
SELECT a.id, a.wall_at, a.member, m.display_name AS name, a.unit, a.what, a.purpose,
       CASE WHEN a.purpose = 'break_glass' THEN a.detail ->> 'reason' END AS reason
  FROM audit.access a LEFT JOIN registry.member m ON m.id = a.member
 WHERE a.subject = (SELECT audit.own_client());

-- Calls for help and wishes for a call, and what became of them.
CREATE VIEW seen.own_case WITH (security_barrier) AS
SELECT e.id, e.kind, e.opened_at, e.acknowledged_at, taker.display_name AS taken_by,
       audit.own_contact(e.id) AS contacted_at, e.closed_at, w.answer, w.words
  FROM alerts.episode e
  LEFT JOIN registry.member taker ON taker.id = e.acknowledged_by
  LEFT JOIN LATERAL (SELECT o.answer, o.words FROM alerts.own_word o
                      WHERE o.episode = e.id AND o.subject = e.subject
                      ORDER BY o.id DESC LIMIT 1) w ON true
 WHERE e.subject = (SELECT audit.own_client()) AND e.kind IN ('call_request', 'help');

-- When the client last asked for a call: its receipt, whether or not an alert is open yet.
CREATE VIEW seen.own_wish WITH (security_barrier) AS
SELECT o.at, o.words FROM alerts.own_word o
 WHERE o.subject = (SELECT audit.own_client()) AND o.what = 'call';

-- "Please call me", from the client's own page: a reading as from a button, so that it goes the way
-- of every call. When it was received; pressed again within a minute it is the same call.
CREATE FUNCTION telemetry.ask_for_call(act uuid, said text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine CONSTANT integer := audit.own_client();
    now CONSTANT timestamptz := date_trunc('milliseconds', ops.now());
    of_gateway integer;
    of_device integer;
    received timestamptz;
BEGIN
    IF mine IS NULL OR act IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(7241005, mine);
    SELECT max(o.at) INTO received FROM alerts.own_word o
     WHERE o.subject = mine AND o.what = 'call'
       AND (o.action = act OR (o.at > now - interval '1 minute' AND o.words = trim(said)));
    IF received IS NOT NULL THEN
        RETURN received;
    END IF;
    INSERT INTO alerts.own_word (action, subject, at, wall_at, what, words)
    VALUES (act, mine, now, clock_timestamp(), 'call', trim(said));
    -- A home without a gateway has a client who may wish for a call all the same.
    SELECT g.id INTO of_gateway
      FROM registry.gateway g LEFT JOIN registry.subject s ON s.home = g.home
     WHERE s.id = mine OR g.id = 0
     ORDER BY g.id = 0, g.revoked_at IS NOT NULL, g.id LIMIT 1;
    INSERT INTO registry.device (gateway, name, kind) VALUES (of_gateway, 'own-' || mine, 'own')
    ON CONFLICT (gateway, name) DO NOTHING;
    SELECT d.id INTO of_device FROM registry.device d
     WHERE d.gateway = of_gateway AND d.name = 'own-' || mine;
    INSERT INTO telemetry.reading (time, received_at, value, device, subject, metric)
    SELECT now, now, 1, of_device, mine, m.id FROM telemetry.metric m WHERE m.name = 'call_request'
    ON CONFLICT DO NOTHING;
    INSERT INTO telemetry.note (subject, since, until, each_counts, noted_at)
    VALUES (mine, now, now, true, clock_timestamp());
    INSERT INTO telemetry.touched (touched_at, since, until, subject, device)
    VALUES (clock_timestamp(), now, now, mine, of_device);
    PERFORM pg_notify('saimi_note', '');
    RETURN now;
END $$;

-- How it went, in the client's own words: of an alert of theirs that was closed, or after somebody
-- was in touch. The client says it, or a member who sees the alert writes it down. False: not so.
CREATE FUNCTION alerts.say_afterwards(act uuid, of_episode bigint, of_help text, said text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine CONSTANT integer := audit.own_client();
    about integer;
BEGIN
    SELECT e.subject INTO about
      FROM alerts.episode e JOIN registry.client c ON c.subject = e.subject
     WHERE e.id = of_episode
       AND (e.closed_at IS NOT NULL OR alerts.contact_of(e.id) IS NOT NULL)
       AND (e.subject = mine OR mine IS NULL AND audit.sees(e.subject))
       AND (SELECT count(*) FROM alerts.own_word o WHERE o.episode = e.id) < 20;
    IF about IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO alerts.own_word (action, subject, at, wall_at, what, episode, answer, words, member)
    VALUES (act, about, ops.now(), clock_timestamp(), 'after', of_episode, of_help, trim(said),
            CASE WHEN mine IS NULL THEN (audit.members())[1] END)
    ON CONFLICT (action) DO NOTHING;
    RETURN true;
END $$;

REVOKE EXECUTE ON FUNCTION audit.own_client(), audit.own_contact(bigint),
    audit.act_for_client(text),
    audit.end_client_session(text), audit.look_at_own(text),
    login.start_client_session(text, date, text, boolean),
    audit.give_client_code(uuid, integer, text), audit.end_client_logins(uuid, integer),
    telemetry.ask_for_call(uuid, text), alerts.say_afterwards(uuid, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION login.start_client_session(text, date, text, boolean) TO saimi_login;
GRANT EXECUTE ON FUNCTION audit.own_client(), audit.own_contact(bigint),
    audit.act_for_client(text),
    audit.end_client_session(text), audit.look_at_own(text),
    audit.give_client_code(uuid, integer, text), audit.end_client_logins(uuid, integer),
    telemetry.ask_for_call(uuid, text), alerts.say_afterwards(uuid, bigint, text, text)
   TO saimi_web;
GRANT SELECT ON seen.client_login, seen.own_client, seen.own_measured, seen.own_look, seen.own_case,
    seen.own_wish TO saimi_web;
