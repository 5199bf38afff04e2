-- What the desk asks to be judged: the rule file with one rule's numbers changed. `saimi judge`
-- replays history by it and by what is in force, and makes a proposal of it like any other.
CREATE TABLE alerts.rule_request (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action         uuid NOT NULL UNIQUE,
    member         integer NOT NULL REFERENCES registry.member,
    asked_at       timestamptz NOT NULL,     -- shared clock
    wall_at        timestamptz NOT NULL,
    rule           text NOT NULL CHECK (length(rule) BETWEEN 1 AND 100),
    rules          text NOT NULL CHECK (length(rules) <= 1000000),   -- the file as asked for
    judged_against text NOT NULL,            -- the file in force then
    days           smallint NOT NULL CHECK (days BETWEEN 1 AND 366), -- how far back
    why            text NOT NULL CHECK (length(why) BETWEEN 1 AND 1000)
);
-- How that ended, once: with a proposal, or without one and why. other_rules: others came into force
-- after it was asked; no_readings: none of that time; unusable: this version cannot use the file;
-- failed: see the judge's log.
CREATE TABLE alerts.rule_request_end (
    request  integer PRIMARY KEY REFERENCES alerts.rule_request,
    ended_at timestamptz NOT NULL,           -- shared clock
    wall_at  timestamptz NOT NULL,
    proposal integer UNIQUE REFERENCES alerts.rule_proposal,
    failure  text CHECK (failure IN ('other_rules', 'no_readings', 'unusable', 'failed')),
    CHECK ((proposal IS NULL) <> (failure IS NULL))
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alerts.rule_request
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alerts.rule_request_end
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Ask for it, from what the caller has seen in force (a proposal's number, 0: none):
--   done      it waits for a judge, who is told
--   again     this action was taken before
--   conflict  other rules came into force meanwhile
--   file      the engine goes by a file of the operators, which would stay in force
--   many      enough wait already
--   refused   not the desk
CREATE FUNCTION alerts.ask_rules(act uuid, of_rule text, file text, against text,
    seen_in_force integer, back_days integer, reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT audit.is_desk() OR cardinality(audit.members()) <> 1 THEN
        RETURN 'refused';
    END IF;
    -- After this, whoever came first is done; deciding waits for the same.
    PERFORM pg_advisory_xact_lock(7241010);
    IF EXISTS (SELECT FROM alerts.rule_request r WHERE r.action = act) THEN
        RETURN 'again';
    ELSIF coalesce((SELECT f.proposal FROM alerts.rules_in_force f), 0) <> seen_in_force THEN
        RETURN 'conflict';
    ELSIF EXISTS (SELECT FROM ops.heartbeat h
                   WHERE h.service = 'alerts' AND h.detail ? 'rule_file'
                     AND h.wall_at > clock_timestamp() - interval '1 minute') THEN
        RETURN 'file';
    ELSIF (SELECT count(*) FROM alerts.rule_request r
            WHERE NOT EXISTS (SELECT FROM alerts.rule_request_end e WHERE e.request = r.id)) >= 10 THEN
        RETURN 'many';
    END IF;
    INSERT INTO alerts.rule_request (action, member, asked_at, wall_at, rule, rules, judged_against,
                                     days, why)
    VALUES (act, (audit.members())[1], ops.now(), clock_timestamp(), of_rule, file, against,
            back_days, trim(reason));
    PERFORM pg_notify('saimi_rule_request', '');
    RETURN 'done';
END $$;

ALTER TABLE alerts.rule_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE alerts.rule_request_end ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON alerts.rule_request FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()));
CREATE POLICY seen ON alerts.rule_request_end FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()));
GRANT SELECT ON alerts.rule_request, alerts.rule_request_end TO saimi_web;
REVOKE EXECUTE ON FUNCTION
    alerts.ask_rules(uuid, text, text, text, integer, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    alerts.ask_rules(uuid, text, text, text, integer, integer, text) TO saimi_web;
