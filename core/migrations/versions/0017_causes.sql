-- Causes above a home: an area's power or network, and Saimi itself. Each is a subject, so that its
-- alerts are seen, taken and closed as any other's. Their ids are below 0: -1 Saimi, -1 - n area n.
ALTER TABLE registry.subject ADD COLUMN area integer UNIQUE REFERENCES registry.area;
ALTER TABLE registry.subject DROP CONSTRAINT subject_kind_check;
ALTER TABLE registry.subject DROP CONSTRAINT subject_check;
ALTER TABLE registry.subject ADD CONSTRAINT subject_kind_check
    CHECK (kind IN ('client', 'home', 'unknown', 'area', 'service'));
ALTER TABLE registry.subject ADD CONSTRAINT subject_place_check
    CHECK ((kind IN ('client', 'home')) = (home IS NOT NULL)
           AND (kind = 'area') = (area IS NOT NULL));

CREATE FUNCTION registry.add_area_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO registry.subject (id, pseudonym, kind, area)
    VALUES (-1 - NEW.id, 'area-' || NEW.id, 'area', NEW.id);
    RETURN NULL;
END $$;
INSERT INTO registry.subject (id, pseudonym, kind) VALUES (-1, 'saimi', 'service');
INSERT INTO registry.subject (id, pseudonym, kind, area)
SELECT -1 - id, 'area-' || id, 'area', id FROM registry.area;
CREATE TRIGGER area_subject AFTER INSERT ON registry.area
    FOR EACH ROW EXECUTE FUNCTION registry.add_area_subject();

-- As before; and areas are seen by the teams that drive to them, Saimi itself by its operators.
CREATE OR REPLACE FUNCTION registry.visible_subjects(member_id integer, at timestamptz)
RETURNS TABLE (subject integer) LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 AS $$
    WITH serves AS (
        SELECT tm.team
          FROM (SELECT team FROM registry.team_member WHERE member = member_id
                 UNION
                SELECT team FROM registry.shift WHERE member = member_id AND during @> at) tm
          JOIN registry.member m ON m.id = member_id AND m.disabled_at IS NULL
                                AND m.role IN ('member', 'clinician')
    )
    SELECT s.id
      FROM registry.subject s, registry.member m
     WHERE m.id = member_id AND m.disabled_at IS NULL AND m.role = 'coordinator'
    UNION
    SELECT s.id
      FROM serves
      JOIN registry.care_relationship cr ON cr.team = serves.team AND cr.during @> at
      JOIN registry.subject c ON c.id = cr.subject
      JOIN registry.home h ON h.id = c.home
      JOIN registry.team_area ta ON ta.team = serves.team AND ta.area = h.area
      JOIN registry.subject s ON s.id = c.id OR (s.home = h.id AND s.kind = 'home')
    UNION
    SELECT s.id
      FROM serves
      JOIN registry.team_area ta ON ta.team = serves.team
      JOIN registry.subject s ON s.area = ta.area
    UNION
    SELECT -1
      FROM registry.member m
     WHERE m.id = member_id AND m.disabled_at IS NULL AND m.role = 'operator'
$$;

-- Gateways that an outage above them has silenced, and which; rewritten at every survey.
CREATE TABLE alerts.lost_gateway (
    gateway integer PRIMARY KEY REFERENCES registry.gateway,
    cause   integer NOT NULL REFERENCES registry.subject,
    since   timestamptz NOT NULL             -- when it was heard last
);
CREATE INDEX ON alerts.lost_gateway (cause);

-- Whether a higher cause explains it: then it is kept, and pages nobody.
ALTER TABLE alerts.episode ADD COLUMN inhibited boolean
    GENERATED ALWAYS AS (cleared_at IS NULL AND summary ? 'inhibited_by') STORED;
