-- Who gives and takes rights: a role of its own, which sees no client.
ALTER TABLE registry.member DROP CONSTRAINT member_role_check,
    ADD CONSTRAINT member_role_check
        CHECK (role IN ('member', 'clinician', 'coordinator', 'operator', 'administrator'));

CREATE FUNCTION audit.is_administrator() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM registry.member m
                    WHERE m.id = ANY (audit.members()) AND m.role = 'administrator');
END $$;

-- What an administrator may set of a member; null for anybody else.
CREATE FUNCTION registry.rights_of(of_member integer) RETURNS jsonb LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
               'display_name', m.display_name, 'role', m.role, 'identity', m.identity,
               'active', m.disabled_at IS NULL,
               'teams', coalesce((SELECT jsonb_agg(tm.team ORDER BY tm.team)
                                    FROM registry.team_member tm WHERE tm.member = m.id), '[]'))
      FROM registry.member m WHERE m.id = of_member AND audit.is_administrator()
$$;

-- The members as an administrator sees them; nobody else sees any here.
CREATE VIEW seen.member WITH (security_barrier) AS
SELECT m.id, m.username, m.display_name, m.role, m.identity, m.disabled_at,
       m.password_hash IS NOT NULL AS has_password, registry.rights_of(m.id) AS rights
  FROM registry.member m WHERE (SELECT audit.is_administrator());

-- Set a member's rights from what the caller has seen (`was`, their digest): done, again, conflict,
-- taken (the identity is another's) or refused. Nobody sets their own, so one administrator remains.
-- Who is disabled, or is something else from now on, is logged out everywhere.
CREATE FUNCTION registry.change_rights(act uuid, of_member integer, was text, wanted jsonb,
    reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before jsonb;
BEGIN
    IF NOT audit.is_administrator() OR of_member = ANY (audit.members()) THEN
        RETURN 'refused';
    END IF;
    PERFORM pg_advisory_xact_lock(7241002);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    END IF;
    before := registry.rights_of(of_member);
    IF before IS NULL THEN
        RETURN 'refused';
    ELSIF md5(before::text) <> was THEN
        RETURN 'conflict';
    END IF;
    BEGIN
        UPDATE registry.member m
           SET role = wanted ->> 'role', identity = wanted ->> 'identity',
               disabled_at = CASE WHEN (wanted ->> 'active')::boolean THEN NULL
                                  ELSE coalesce(m.disabled_at, clock_timestamp()) END
         WHERE m.id = of_member;
    EXCEPTION WHEN unique_violation THEN
        RETURN 'taken';
    END;
    DELETE FROM registry.team_member tm
     WHERE tm.member = of_member AND NOT wanted -> 'teams' @> to_jsonb(tm.team);
    INSERT INTO registry.team_member (team, member)
    SELECT t.id, of_member FROM registry.team t WHERE wanted -> 'teams' @> to_jsonb(t.id)
    ON CONFLICT DO NOTHING;
    IF NOT (wanted ->> 'active')::boolean OR before ->> 'role' <> wanted ->> 'role' THEN
        UPDATE audit.session s SET ended_at = clock_timestamp()
         WHERE s.member = of_member AND s.ended_at IS NULL;
    END IF;
    PERFORM audit.note_change(act, 'rights', NULL,
        jsonb_build_object('member', of_member, 'before', before,
                           'after', registry.rights_of(of_member)), reason);
    PERFORM pg_notify('saimi_registry', 'rota'), pg_notify('saimi_episode', 'rights');
    RETURN 'done';
END $$;

CREATE POLICY of_rights ON audit.change FOR SELECT TO saimi_web
 USING (what = 'rights' AND (SELECT audit.is_administrator()));
REVOKE EXECUTE ON FUNCTION audit.is_administrator(), registry.rights_of(integer),
    registry.change_rights(uuid, integer, text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.is_administrator(), registry.rights_of(integer),
    registry.change_rights(uuid, integer, text, jsonb, text) TO saimi_web;
GRANT SELECT ON seen.member TO saimi_web;
