-- Who is on duty when, for whom; and where teams start from, for travel times.
ALTER TABLE registry.area
    ADD latitude  double precision,          -- of its centre, WGS84; null: not known
    ADD longitude double precision;
ALTER TABLE registry.team
    ADD service text NOT NULL DEFAULT 'home_care',
    ADD base    integer REFERENCES registry.area;   -- where its members start from

CREATE TABLE registry.shift (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team   integer NOT NULL REFERENCES registry.team,
    member integer NOT NULL REFERENCES registry.member,
    during tstzrange NOT NULL,
    CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    EXCLUDE USING gist (int4range(team, team, '[]') WITH =,
                        int4range(member, member, '[]') WITH =, during WITH &&)
);
CREATE INDEX ON registry.shift USING gist (during);
CREATE INDEX ON registry.shift (member);

-- As before, and whoever is on duty for a team sees what its members see while they are.
CREATE OR REPLACE FUNCTION registry.visible_subjects(member_id integer, at timestamptz)
RETURNS TABLE (subject integer) LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 AS $$
    SELECT s.id
      FROM registry.subject s, registry.member m
     WHERE m.id = member_id AND m.disabled_at IS NULL AND m.role = 'coordinator'
    UNION
    SELECT s.id
      FROM (SELECT team, member FROM registry.team_member WHERE member = member_id
             UNION
            SELECT team, member FROM registry.shift WHERE member = member_id AND during @> at) tm
      JOIN registry.member m ON m.id = tm.member AND m.disabled_at IS NULL
                            AND m.role IN ('member', 'clinician')
      JOIN registry.care_relationship cr ON cr.team = tm.team AND cr.during @> at
      JOIN registry.subject c ON c.id = cr.subject
      JOIN registry.home h ON h.id = c.home
      JOIN registry.team_area ta ON ta.team = tm.team AND ta.area = h.area
      JOIN registry.subject s ON s.id = c.id OR (s.home = h.id AND s.kind = 'home')
$$;
