-- What was decided on a proposed change of rules, once and for good. The rules of the one accepted
-- last are in force, unless the operators have named a file (alerts/rules/in_force.py).
ALTER TABLE alerts.rule_proposal ADD COLUMN judged_against text;  -- the rule file in force then
COMMENT ON COLUMN alerts.rule_proposal.judged_against IS 'null: proposed before this was kept';

CREATE TABLE alerts.rule_decision (
    proposal   integer PRIMARY KEY REFERENCES alerts.rule_proposal,
    number     integer NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,   -- their order
    outcome    text NOT NULL CHECK (outcome IN ('accepted', 'refused', 'withdrawn')),
    member     integer NOT NULL REFERENCES registry.member,
    decided_at timestamptz NOT NULL,         -- shared clock
    wall_at    timestamptz NOT NULL,
    why        text NOT NULL CHECK (length(why) BETWEEN 1 AND 1000)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alerts.rule_proposal
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alerts.rule_decision
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Changed models are files, which a decision moves nowhere; without changed rules it changes nothing.
CREATE VIEW alerts.rules_in_force AS
SELECT p.id AS proposal, p.rules, d.decided_at, d.member
  FROM alerts.rule_decision d
  JOIN alerts.rule_proposal p ON p.id = d.proposal
 WHERE d.outcome = 'accepted' AND p.changes <> '{}'
 ORDER BY d.number DESC LIMIT 1;

-- Decide on a proposal, from what the caller has seen in force (`seen_in_force`, a proposal's number,
-- 0: none):
--   done      decided, and on record
--   again     this action was taken before
--   decided   somebody has decided meanwhile
--   conflict  other rules came into force, so what was judged is not what would be changed
--   file      the engine goes by a file of the operators, which would stay in force
--   refused   not the desk; or one's own, which one may only withdraw, or another's withdrawal
CREATE FUNCTION alerts.decide_rules(act uuid, of_proposal integer, wanted text,
    seen_in_force integer, reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    proposer integer;
    deciding CONSTANT integer := (audit.members())[1];
BEGIN
    SELECT p.member INTO proposer FROM alerts.rule_proposal p WHERE p.id = of_proposal;
    IF NOT audit.is_desk() OR cardinality(audit.members()) <> 1 OR proposer IS NULL
       OR wanted NOT IN ('accepted', 'refused', 'withdrawn')
       OR (proposer = deciding) <> (wanted = 'withdrawn') THEN
        RETURN 'refused';
    END IF;
    -- After this, whoever came first is done.
    PERFORM pg_advisory_xact_lock(7241010);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    ELSIF EXISTS (SELECT FROM alerts.rule_decision d WHERE d.proposal = of_proposal) THEN
        RETURN 'decided';
    ELSIF wanted = 'accepted' THEN
        IF coalesce((SELECT f.proposal FROM alerts.rules_in_force f), 0) <> seen_in_force THEN
            RETURN 'conflict';
        ELSIF EXISTS (SELECT FROM ops.heartbeat h
                       WHERE h.service = 'alerts' AND h.detail ? 'rule_file'
                         AND h.wall_at > clock_timestamp() - interval '1 minute') THEN
            RETURN 'file';
        END IF;
    END IF;
    INSERT INTO alerts.rule_decision (proposal, outcome, member, decided_at, wall_at, why)
    VALUES (of_proposal, wanted, deciding, ops.now(), clock_timestamp(), trim(reason));
    PERFORM audit.note_change(act, 'rules', NULL,
        jsonb_build_object('proposal', of_proposal, 'outcome', wanted,
                           'before', nullif(seen_in_force, 0)), reason);
    RETURN 'done';
END $$;

-- The desk reads what was proposed; by which rules the county goes is no secret.
ALTER TABLE alerts.rule_proposal ENABLE ROW LEVEL SECURITY;
ALTER TABLE alerts.rule_decision ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON alerts.rule_proposal FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()));
CREATE POLICY seen ON alerts.rule_decision FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()));
GRANT SELECT ON alerts.rule_proposal, alerts.rule_decision, alerts.rules_in_force TO saimi_web;
REVOKE EXECUTE ON FUNCTION alerts.decide_rules(uuid, integer, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts.decide_rules(uuid, integer, text, integer, text) TO saimi_web;
