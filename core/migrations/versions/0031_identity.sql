-- What the county's identity provider calls a member, where that is not their username: a personnel
-- number, or the provider's own subject. One value names one member.
ALTER TABLE registry.member ADD COLUMN identity text CHECK (length(identity) BETWEEN 1 AND 256);
CREATE UNIQUE INDEX member_identity ON registry.member (coalesce(identity, username));

-- Whom the provider has just shown to be there: for who opens sessions.
CREATE FUNCTION login.member_of_identity(named text) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT m.id FROM registry.member m
             WHERE coalesce(m.identity, m.username) = named AND m.disabled_at IS NULL);
END $$;
REVOKE EXECUTE ON FUNCTION login.member_of_identity(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION login.member_of_identity(text) TO saimi_login;
