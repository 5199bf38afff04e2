-- Routing as the desk set it, whole each time: the newest is in force (alerts/decided.py); where there
-- is none, what ships (alerts/routing/routing.toml, alerts/delivery/channels.toml).
CREATE TABLE alerts.routing_change (
    number     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member     integer NOT NULL REFERENCES registry.member,
    changed_at timestamptz NOT NULL,         -- shared clock
    wall_at    timestamptz NOT NULL,
    routing    jsonb NOT NULL,
    why        text NOT NULL CHECK (length(why) BETWEEN 1 AND 1000)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alerts.routing_change
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE VIEW alerts.routing_in_force AS
SELECT number, routing FROM alerts.routing_change ORDER BY number DESC LIMIT 1;

-- Set it from what the caller has seen (`seen`, the number in force then, 0: none): done, again,
-- conflict or refused.
CREATE FUNCTION alerts.change_routing(act uuid, seen integer, wanted jsonb, what_was jsonb,
    reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before alerts.routing_in_force;
BEGIN
    IF NOT audit.is_desk() OR cardinality(audit.members()) <> 1 THEN
        RETURN 'refused';
    END IF;
    PERFORM pg_advisory_xact_lock(7241011);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    END IF;
    SELECT * INTO before FROM alerts.routing_in_force;
    IF coalesce(before.number, 0) <> seen THEN
        RETURN 'conflict';
    END IF;
    INSERT INTO alerts.routing_change (member, changed_at, wall_at, routing, why)
    VALUES ((audit.members())[1], ops.now(), clock_timestamp(), wanted, trim(reason));
    -- Before the first change it was what ships, which the database does not know.
    PERFORM audit.note_change(act, 'routing', NULL,
        jsonb_build_object('before', coalesce(before.routing, what_was), 'after', wanted), reason);
    RETURN 'done';
END $$;

-- What the desk may set of a team.
CREATE FUNCTION registry.team_routing(of_team integer) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
               'name', t.name, 'service', t.service, 'base', t.base,
               'areas', coalesce((SELECT jsonb_agg(ta.area ORDER BY ta.area)
                                    FROM registry.team_area ta WHERE ta.team = t.id), '[]'))
      FROM registry.team t WHERE t.id = of_team
$$;

-- Say what a team does, where it drives to and where from, from what the caller has seen (`was`, the
-- digest): done, again, conflict or refused. Its members see clients of these areas from now on.
CREATE FUNCTION registry.change_team(act uuid, of_team integer, was text, wanted jsonb, reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before jsonb;
BEGIN
    IF NOT audit.is_desk() OR cardinality(audit.members()) <> 1 THEN
        RETURN 'refused';
    END IF;
    PERFORM pg_advisory_xact_lock(7241002);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    END IF;
    before := registry.team_routing(of_team);
    IF before IS NULL THEN
        RETURN 'refused';
    ELSIF md5(before::text) <> was THEN
        RETURN 'conflict';
    END IF;
    UPDATE registry.team t
       SET service = wanted ->> 'service',
           base = (SELECT a.id FROM registry.area a WHERE a.id = (wanted ->> 'base')::integer)
     WHERE t.id = of_team;
    DELETE FROM registry.team_area ta
     WHERE ta.team = of_team AND NOT wanted -> 'areas' @> to_jsonb(ta.area);
    INSERT INTO registry.team_area (team, area)
    SELECT of_team, a.id FROM registry.area a WHERE wanted -> 'areas' @> to_jsonb(a.id)
    ON CONFLICT DO NOTHING;
    PERFORM audit.note_change(act, 'team', NULL,
        jsonb_build_object('team', of_team, 'before', before,
                           'after', registry.team_routing(of_team)), reason);
    PERFORM pg_notify('saimi_registry', 'rota'), pg_notify('saimi_episode', 'rights');
    RETURN 'done';
END $$;

ALTER TABLE alerts.routing_change ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON alerts.routing_in_force TO saimi_web;
REVOKE EXECUTE ON FUNCTION alerts.change_routing(uuid, integer, jsonb, jsonb, text),
    registry.team_routing(integer), registry.change_team(uuid, integer, text, jsonb, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts.change_routing(uuid, integer, jsonb, jsonb, text),
    registry.team_routing(integer), registry.change_team(uuid, integer, text, jsonb, text)
    TO saimi_web;
