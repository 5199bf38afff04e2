-- Who is on duty when, changed at the desk: from `since` until `till` one member of a team is relieved
-- (null: nobody), or another serves (null: nobody), or one instead of the other:
--   done      it is so now, and on record
--   again     this action was taken before
--   conflict  who is to be relieved is not on duty all that time: somebody changed it meanwhile
--   over      that time is over
--   refused   the caller may not, or the one who is to serve cannot be on duty
-- What has been served stays as it was. The record is what later imports of a rota go by
-- (alerts.routing.rota_changes): a change of the desk stands until the desk changes it again.
CREATE FUNCTION registry.change_rota(act uuid, of_team integer, relieved integer, serving integer,
    since timestamptz, till timestamptz, reason text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at CONSTANT timestamptz := ops.now();
    begins CONSTANT timestamptz := greatest(since, at);
    span tstzrange;
    spans tstzmultirange;
BEGIN
    IF NOT audit.is_desk() OR cardinality(audit.members()) <> 1
       OR (relieved IS NULL AND serving IS NULL) OR relieved = serving
       OR NOT EXISTS (SELECT FROM registry.team t WHERE t.id = of_team)
       OR (serving IS NOT NULL
           AND NOT EXISTS (SELECT FROM registry.member m
                            WHERE m.id = serving AND m.disabled_at IS NULL
                              AND m.role NOT IN ('operator', 'administrator'))) THEN
        RETURN 'refused';
    END IF;
    -- Imports of a rota wait as well.
    PERFORM pg_advisory_xact_lock(7241004);
    IF EXISTS (SELECT FROM audit.change c WHERE c.action = act) THEN
        RETURN 'again';
    ELSIF till <= begins THEN
        RETURN 'over';
    ELSIF till - begins > interval '31 days' OR till > at + interval '400 days' THEN
        RETURN 'refused';
    END IF;
    span := tstzrange(begins, till);
    IF relieved IS NOT NULL THEN
        SELECT range_agg(s.during) INTO spans FROM registry.shift s
         WHERE s.team = of_team AND s.member = relieved AND s.during && span;
        IF spans IS NULL OR NOT spans @> span THEN
            RETURN 'conflict';
        END IF;
        DELETE FROM registry.shift s
         WHERE s.team = of_team AND s.member = relieved AND s.during && span;
        INSERT INTO registry.shift (team, member, during)
        SELECT of_team, relieved, one FROM unnest(spans - span::tstzmultirange) one;
    END IF;
    IF serving IS NOT NULL THEN
        -- Those that touch are one.
        SELECT range_agg(s.during) INTO spans FROM registry.shift s
         WHERE s.team = of_team AND s.member = serving AND (s.during && span OR s.during -|- span);
        DELETE FROM registry.shift s
         WHERE s.team = of_team AND s.member = serving AND (s.during && span OR s.during -|- span);
        INSERT INTO registry.shift (team, member, during)
        SELECT of_team, serving, one
          FROM unnest(coalesce(spans, '{}') + span::tstzmultirange) one;
    END IF;
    PERFORM audit.note_change(act, 'rota', NULL,
        jsonb_build_object('team', of_team, 'relieved', relieved, 'serving', serving,
                           'since', begins, 'until', till), reason);
    PERFORM pg_notify('saimi_registry', 'rota'), pg_notify('saimi_episode', 'rights');
    RETURN 'done';
END $$;
REVOKE EXECUTE ON FUNCTION registry.change_rota(uuid, integer, integer, integer, timestamptz,
    timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry.change_rota(uuid, integer, integer, integer, timestamptz,
    timestamptz, text) TO saimi_web;
