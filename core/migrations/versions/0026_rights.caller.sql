-- Who is asking. The web service shows tokens of open sessions and acts for their members until its
-- transaction ends. Nothing else makes it somebody: no setting, no role, no number of a member.

-- One row a transaction that acts for somebody, gone with it. A transaction's number is never given
-- out again, so no other transaction and no other connection can be taken for it. Not logged: it is
-- worth nothing after a crash, and a look costs no flush to disk.
CREATE UNLOGGED TABLE audit.acting (
    xid      xid8 PRIMARY KEY,
    pid      integer NOT NULL,
    members  integer[] NOT NULL,
    gathered int4multirange,                 -- whom they may see; null: asked one by one
    homes    int4multirange                  -- and in which homes
);

CREATE FUNCTION audit.stop_acting() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM audit.acting WHERE xid = NEW.xid;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER gone_with_its_transaction AFTER INSERT ON audit.acting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit.stop_acting();

-- What is kept of a session's token.
CREATE FUNCTION audit.hash_token(token text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT sha256(convert_to(token, 'UTF8')) $$;

-- Act for the members of these sessions from here to the end of the transaction; who they are.
CREATE FUNCTION audit.act_for(tokens text[]) RETURNS integer[] LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found integer[];
BEGIN
    WITH shown AS MATERIALIZED (
        SELECT audit.hash_token(token) AS token_hash FROM unnest(tokens) AS token
    )
    SELECT coalesce(array_agg(DISTINCT m.id), '{}') INTO found
      FROM shown
      JOIN audit.session s ON s.token_hash = shown.token_hash
                          AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
      JOIN registry.member m ON m.id = s.member AND m.disabled_at IS NULL;
    INSERT INTO audit.acting (xid, pid, members)
    VALUES (pg_current_xact_id(), pg_backend_pid(), found)
    ON CONFLICT (xid) DO UPDATE SET members = excluded.members, gathered = NULL, homes = NULL;
    RETURN found;
END $$;

-- The members for whom this transaction acts.
CREATE FUNCTION audit.members() RETURNS integer[] LANGUAGE plpgsql STABLE SECURITY DEFINER
PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT a.members FROM audit.acting a
                      WHERE a.xid = pg_current_xact_id_if_assigned()
                        AND a.pid = pg_backend_pid()), '{}');
END $$;

-- Whether one of them is of the desk, which sees everybody.
CREATE FUNCTION audit.is_desk() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM registry.member
                    WHERE id = ANY (audit.members()) AND role = 'coordinator');
END $$;

-- Sessions, for whoever has the token; the table itself is nobody's to read.
CREATE FUNCTION audit.find_session(token text, idle interval)
RETURNS TABLE (member integer, username text, display_name text, role text, language text,
               seen_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT m.id, m.username, m.display_name, m.role, m.language, s.seen_at
      FROM audit.session s
      JOIN registry.member m ON m.id = s.member AND m.disabled_at IS NULL
     WHERE s.token_hash = audit.hash_token(token) AND s.ended_at IS NULL
       AND s.expires_at > clock_timestamp() AND s.seen_at > clock_timestamp() - idle;
END $$;

-- Note that these are in use; those that are sessions no more are not among the answers.
CREATE FUNCTION audit.touch_sessions(tokens text[]) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH shown AS MATERIALIZED (
        SELECT token, audit.hash_token(token) AS token_hash FROM unnest(tokens) AS token
    ), living AS (
        SELECT s.token_hash, shown.token
          FROM shown
          JOIN audit.session s ON s.token_hash = shown.token_hash
                              AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
          JOIN registry.member m ON m.id = s.member AND m.disabled_at IS NULL
    ), touched AS (
        UPDATE audit.session s SET seen_at = clock_timestamp()
          FROM living l WHERE s.token_hash = l.token_hash
    )
    SELECT token FROM living;
END $$;

CREATE FUNCTION audit.end_session(token text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE audit.session SET ended_at = clock_timestamp()
     WHERE token_hash = audit.hash_token(token) AND ended_at IS NULL;
END $$;

-- Whoever logs people in: a role of its own, which may do this and nothing else.
CREATE SCHEMA login;

CREATE FUNCTION login.member(named text) RETURNS TABLE (id integer, password_hash text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT m.id, m.password_hash FROM registry.member m
                  WHERE m.username = named AND m.disabled_at IS NULL;
END $$;

CREATE FUNCTION login.start_session(token text, of_member integer, lasts interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO audit.session (token_hash, member, created_at, seen_at, expires_at)
    VALUES (audit.hash_token(token), of_member, clock_timestamp(), clock_timestamp(),
            clock_timestamp() + least(lasts, interval '24 hours'));
END $$;
