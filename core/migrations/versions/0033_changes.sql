-- What people change at the desk: who, when, what, why. Only grows. `action` is made by the page that
-- asks, so that asking twice changes once.
CREATE TABLE audit.change (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action  uuid UNIQUE,                      -- null: an import, or an operator
    at      timestamptz NOT NULL,             -- shared clock
    wall_at timestamptz NOT NULL,
    member  integer REFERENCES registry.member,
    what    text NOT NULL,                    -- plan, pause, …
    subject integer REFERENCES registry.subject,
    detail  jsonb NOT NULL DEFAULT '{}',
    why     text NOT NULL DEFAULT '' CHECK (length(why) <= 1000)
);
CREATE INDEX ON audit.change (subject, id);
CREATE INDEX ON audit.change (what, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.change
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE audit.change ENABLE ROW LEVEL SECURITY;
-- Of a client: whoever sees the client. Of the rest: the desk, and whoever did it.
CREATE POLICY seen ON audit.change FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()) OR member = ANY ((SELECT audit.members())::integer[])
        OR (subject IS NOT NULL AND audit.sees(subject)));
GRANT SELECT ON audit.change TO saimi_web;

-- A client's plan: what rules go by that a person decides.
CREATE FUNCTION registry.plan_of(of_subject integer) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
               'spo2_scale', c.spo2_scale, 'oxygen_prescribed', c.oxygen_prescribed,
               'conditions', to_jsonb(c.conditions), 'limits_of_care', c.limits_of_care,
               'record', c.record,
               'limits', coalesce((SELECT jsonb_object_agg(m.name, jsonb_build_array(l.low, l.high))
                                     FROM registry.client_limit l
                                     JOIN telemetry.metric m ON m.id = l.metric
                                    WHERE l.subject = c.subject), '{}'))
      FROM registry.client c WHERE c.subject = of_subject
$$;

-- Whether the caller is a clinician in whose care the client is now. A broken glass is not enough.
CREATE FUNCTION audit.may_plan(of_subject integer) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at CONSTANT timestamptz := ops.now();
BEGIN
    RETURN EXISTS (SELECT FROM registry.caring c
                     JOIN registry.member m ON m.id = c.member AND m.role = 'clinician'
                    WHERE c.member = ANY (audit.members()) AND c.subject = of_subject
                      AND c.acting @> at AND c.during @> at);
END $$;

-- Whether the caller may pause a client, or a home: its carers, and the desk.
CREATE FUNCTION audit.may_pause(of_subject integer) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at CONSTANT timestamptz := ops.now();
BEGIN
    RETURN audit.is_desk()
        OR EXISTS (SELECT FROM registry.caring c
                     JOIN registry.subject s
                       ON s.id = c.subject OR (s.home = c.home AND s.kind = 'home')
                    WHERE c.member = ANY (audit.members()) AND s.id = of_subject
                      AND c.acting @> at AND c.during @> at);
END $$;

-- Put a change on record for the caller; false: this action was taken before, so it is not again.
CREATE FUNCTION audit.note_change(act uuid, kind text, about integer, said jsonb, reason text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cardinality(audit.members()) <> 1 OR act IS NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'a change is somebody''s';
    END IF;
    INSERT INTO audit.change (action, at, wall_at, member, what, subject, detail, why)
    VALUES (act, ops.now(), clock_timestamp(), (audit.members())[1], kind, about, said,
            trim(reason))
    ON CONFLICT (action) DO NOTHING;
    RETURN FOUND;
END $$;

-- Change a client's plan from what the caller has seen (`was`, its digest) to `plan`:
--   done      it is so now, and on record
--   again     this action was taken before
--   conflict  it is not as it was seen: somebody changed it meanwhile
--   refused   the caller may not
-- The engine is told to look at the client, and at the home, which goes by its residents' rules.
CREATE FUNCTION registry.change_plan(act uuid, of_subject integer, was text, plan jsonb, reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before jsonb;
    at CONSTANT timestamptz := ops.now();
BEGIN
    IF NOT audit.may_plan(of_subject) THEN
        RETURN 'refused';
    END IF;
    -- After this, whoever came first is done. Imports wait as well.
    PERFORM pg_advisory_xact_lock(7241002);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    END IF;
    before := registry.plan_of(of_subject);
    IF md5(before::text) <> was THEN
        RETURN 'conflict';
    END IF;
    UPDATE registry.client c
       SET spo2_scale = (plan ->> 'spo2_scale')::smallint,
           oxygen_prescribed = (plan ->> 'oxygen_prescribed')::boolean,
           conditions = ARRAY(SELECT jsonb_array_elements_text(plan -> 'conditions')),
           limits_of_care = plan ->> 'limits_of_care', record = plan -> 'record'
     WHERE c.subject = of_subject;
    DELETE FROM registry.client_limit l USING telemetry.metric m
     WHERE l.subject = of_subject AND m.id = l.metric AND NOT plan -> 'limits' ? m.name;
    INSERT INTO registry.client_limit AS l (subject, metric, low, high, set_at)
    SELECT of_subject, m.id, (e.value ->> 0)::float8, (e.value ->> 1)::float8, at
      FROM jsonb_each(plan -> 'limits') e JOIN telemetry.metric m ON m.name = e.key
    ON CONFLICT (subject, metric) DO UPDATE
       SET low = excluded.low, high = excluded.high, set_at = excluded.set_at
     WHERE (l.low, l.high) IS DISTINCT FROM (excluded.low, excluded.high);
    PERFORM audit.note_change(act, 'plan', of_subject,
                              jsonb_build_object('before', before,
                                                 'after', registry.plan_of(of_subject)), reason);
    INSERT INTO telemetry.note (subject, since, until, noted_at)
    SELECT s.id, at, at, clock_timestamp()
      FROM registry.subject c
      JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND s.kind = 'home')
     WHERE c.id = of_subject;
    PERFORM pg_notify('saimi_note', ''), pg_notify('saimi_registry', '');
    RETURN 'done';
END $$;

REVOKE EXECUTE ON FUNCTION audit.may_plan(integer), audit.may_pause(integer),
    audit.note_change(uuid, text, integer, jsonb, text), registry.plan_of(integer),
    registry.change_plan(uuid, integer, text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.may_plan(integer), audit.may_pause(integer),
    audit.note_change(uuid, text, integer, jsonb, text), registry.plan_of(integer),
    registry.change_plan(uuid, integer, text, jsonb, text) TO saimi_web;

-- Pauses, as core.pauses sets and ends them: in one's own name.
CREATE POLICY set_own ON registry.pause FOR INSERT TO saimi_web
 WITH CHECK (set_by = ANY ((SELECT audit.members())::integer[]) AND audit.may_pause(subject));
CREATE POLICY end_own ON registry.pause FOR UPDATE TO saimi_web
 USING (audit.may_pause(subject))
 WITH CHECK (ended_by = ANY ((SELECT audit.members())::integer[]));
GRANT INSERT (subject, kind, since, until, set_by, set_at, changed_at),
      UPDATE (until, ended_by, ended_at, changed_at) ON registry.pause TO saimi_web;
