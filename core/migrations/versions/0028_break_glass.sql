-- Seeing a client without a care relationship, in an emergency: for a reason that is kept, for four
-- hours, and never unseen.
CREATE TABLE registry.broken_glass (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member  integer NOT NULL REFERENCES registry.member,
    subject integer NOT NULL REFERENCES registry.client,
    reason  text NOT NULL CHECK (length(trim(reason)) BETWEEN 10 AND 1000),
    during  tstzrange NOT NULL
);
CREATE INDEX ON registry.broken_glass (subject);
CREATE INDEX ON registry.broken_glass (member);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON registry.broken_glass
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- A subject may be there several times for a member, once for each way of seeing it.
CREATE OR REPLACE VIEW registry.sight AS
-- The desk sees everybody.
SELECT m.id AS member, s.id AS subject, tstzrange(NULL, NULL) AS acting,
       tstzrange(NULL, NULL) AS during
  FROM registry.subject s, registry.member m
 WHERE m.disabled_at IS NULL AND m.role = 'coordinator'
 UNION ALL
-- Carers see their clients,
SELECT c.member, c.subject, c.acting, c.during FROM registry.caring c
 UNION ALL
-- these clients' homes,
SELECT c.member, s.id, c.acting, c.during
  FROM registry.caring c
  JOIN registry.subject s ON s.home = c.home AND s.kind = 'home'
 UNION ALL
-- whomever they were called about, until half a day after that is closed,
SELECT v.member, s.id, tstzrange(NULL, NULL), tstzrange(NULL, e.closed_at + interval '12 hours')
  FROM alerts.episode_event v
  JOIN registry.carer m ON m.member = v.member
  JOIN alerts.episode e ON e.id = v.episode
  JOIN registry.subject c ON c.id = e.subject
  JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND 'home' IN (s.kind, c.kind))
 WHERE v.what = 'called'
 UNION ALL
-- and the areas to which they drive.
SELECT a.member, s.id, a.during, tstzrange(NULL, NULL)
  FROM registry.subject s
  JOIN registry.team_area ta ON ta.area = s.area
  JOIN registry.acting a ON a.team = ta.team
  JOIN registry.carer m ON m.member = a.member
 WHERE s.kind = 'area'
 UNION ALL
-- Operators see Saimi itself.
SELECT m.id, -1, tstzrange(NULL, NULL), tstzrange(NULL, NULL)
  FROM registry.member m
 WHERE m.disabled_at IS NULL AND m.role = 'operator'
 UNION ALL
-- Whom carers have broken the glass for, and that client's home.
SELECT b.member, s.id, tstzrange(NULL, NULL), b.during
  FROM registry.broken_glass b
  JOIN registry.carer m ON m.member = b.member
  JOIN registry.subject c ON c.id = b.subject
  JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND s.kind = 'home');

-- By which unit a look was, and whether only because the glass was broken: found here, and not
-- believed of whoever writes the look.
ALTER TABLE audit.access ADD COLUMN unit text;
CREATE FUNCTION audit.complete_look() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at CONSTANT timestamptz := ops.now();
BEGIN
    SELECT coalesce(min(t.name) FILTER (WHERE cr.subject IS NOT NULL), min(t.name)) INTO NEW.unit
      FROM registry.acting a
      JOIN registry.team t ON t.id = a.team
      LEFT JOIN registry.care_relationship cr
        ON cr.team = a.team AND cr.subject = NEW.subject AND cr.during @> at
     WHERE a.member = NEW.member AND a.during @> at;
    IF EXISTS (SELECT FROM registry.broken_glass b
                WHERE b.member = NEW.member AND b.subject = NEW.subject AND b.during @> at)
       AND NOT EXISTS (SELECT FROM registry.caring c
                        WHERE c.member = NEW.member AND c.subject = NEW.subject
                          AND c.acting @> at AND c.during @> at) THEN
        NEW.purpose := 'break_glass';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER complete BEFORE INSERT ON audit.access
    FOR EACH ROW EXECUTE FUNCTION audit.complete_look();

-- Break the glass for the client of this name and birth date; their pseudonym, null where there is
-- none, or who asks is no carer, or has done so ten times within a day.
CREATE FUNCTION audit.break_glass(given text, family text, birth date, why text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine CONSTANT integer[] := audit.members();
    at CONSTANT timestamptz := ops.now();
    found integer;
BEGIN
    IF cardinality(mine) <> 1
       OR NOT EXISTS (SELECT FROM registry.carer c WHERE c.member = mine[1])
       OR (SELECT count(*) FROM registry.broken_glass b
            WHERE b.member = mine[1] AND lower(b.during) > at - interval '1 day') >= 10 THEN
        RETURN NULL;
    END IF;
    -- Exactly one: who is meant must be certain.
    SELECT min(c.subject) INTO found FROM registry.client c
     WHERE lower(c.given_name) = lower(given) AND lower(c.family_name) = lower(family)
       AND c.born = birth
    HAVING count(*) = 1;
    IF found IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO registry.broken_glass (member, subject, reason, during)
    VALUES (mine[1], found, trim(why), tstzrange(at, at + interval '4 hours'));
    INSERT INTO audit.access (wall_at, member, subject, what, detail, purpose)
    VALUES (clock_timestamp(), mine[1], found, 'break_glass',
            jsonb_build_object('reason', trim(why)), 'break_glass');
    RETURN (SELECT s.pseudonym FROM registry.subject s WHERE s.id = found);
END $$;
REVOKE EXECUTE ON FUNCTION audit.break_glass(text, text, date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.break_glass(text, text, date, text) TO saimi_web;

-- A member may read what they have looked at themselves, and why they broke the glass; the desk all
-- of the latter.
CREATE POLICY looked ON audit.access FOR SELECT TO saimi_web
 USING (member = ANY ((SELECT audit.members())::integer[]));
GRANT SELECT ON audit.access TO saimi_web;
ALTER TABLE registry.broken_glass ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON registry.broken_glass FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()) OR member = ANY ((SELECT audit.members())::integer[]));
GRANT SELECT ON registry.broken_glass TO saimi_web;
