-- A session that began at the identity provider ends when the provider says so. Only the role that
-- logs people in may say it: who has the provider's word is checked there (web.ended_there).
ALTER TABLE audit.session
    ADD COLUMN provider_subject text,        -- "sub" of the ID token; null: a password of Saimi's own
    ADD COLUMN provider_session text;        -- "sid" of it, where it has one
CREATE INDEX ON audit.session (provider_subject)
    WHERE provider_subject IS NOT NULL AND ended_at IS NULL;
CREATE INDEX ON audit.session (provider_session)
    WHERE provider_session IS NOT NULL AND ended_at IS NULL;

CREATE FUNCTION login.start_provider_session(
    token text, of_member integer, lasts interval, subject text, session text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM login.start_session(token, of_member, lasts);
    UPDATE audit.session s
       SET provider_subject = start_provider_session.subject,
           provider_session = start_provider_session.session
     WHERE s.token_hash = audit.hash_token(token);
END $$;

-- End one of the provider's sessions, or with no session named all of somebody's; how many.
CREATE FUNCTION login.end_provider_sessions(subject text, session text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ended integer;
BEGIN
    UPDATE audit.session s SET ended_at = clock_timestamp()
     WHERE s.ended_at IS NULL
       AND (subject IS NOT NULL OR session IS NOT NULL)
       AND (subject IS NULL OR s.provider_subject = subject)
       AND (session IS NULL OR s.provider_session = session);
    GET DIAGNOSTICS ended = ROW_COUNT;
    RETURN ended;
END $$;

REVOKE EXECUTE ON FUNCTION
    login.start_provider_session(text, integer, interval, text, text),
    login.end_provider_sessions(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    login.start_provider_session(text, integer, interval, text, text),
    login.end_provider_sessions(text, text) TO saimi_login;
