-- Who acts for which team and who cares for whom, each said once: the rule of who may see whom is
-- made of these, and so is every other question about them. Ranges and not a moment, so that a view
-- can say it; whoever asks gives the moment.

-- Those who see clients at all.
CREATE VIEW registry.carer AS
SELECT id AS member FROM registry.member
 WHERE disabled_at IS NULL AND role IN ('member', 'clinician');

-- Who acts for a team: its members always, others while they are on duty for it.
CREATE VIEW registry.acting AS
SELECT member, team, tstzrange(NULL, NULL) AS during FROM registry.team_member
 UNION ALL
SELECT member, team, during FROM registry.shift;

-- The clients of those for whose team a carer acts, in the areas to which the team drives.
CREATE VIEW registry.caring AS
SELECT a.member, c.id AS subject, c.home, a.during AS acting, cr.during
  FROM registry.acting a
  JOIN registry.carer m ON m.member = a.member
  JOIN registry.care_relationship cr ON cr.team = a.team
  JOIN registry.subject c ON c.id = cr.subject
  JOIN registry.home h ON h.id = c.home
  JOIN registry.team_area ta ON ta.team = cr.team AND ta.area = h.area;

-- Whom a member may see at a moment, as before (0021). So written that a question about a few
-- subjects costs a few index lookups.
CREATE OR REPLACE FUNCTION registry.visible_subjects(member_id integer, at timestamptz)
RETURNS TABLE (subject integer) LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 AS $$
    -- The desk sees everybody.
    SELECT s.id
      FROM registry.subject s, registry.member m
     WHERE m.id = member_id AND m.disabled_at IS NULL AND m.role = 'coordinator'
    UNION
    -- Carers see their clients,
    SELECT c.subject
      FROM registry.caring c
     WHERE c.member = member_id
       AND c.acting @> visible_subjects.at AND c.during @> visible_subjects.at
    UNION
    -- these clients' homes,
    SELECT s.id
      FROM registry.caring c
      JOIN registry.subject s ON s.home = c.home AND s.kind = 'home'
     WHERE c.member = member_id
       AND c.acting @> visible_subjects.at AND c.during @> visible_subjects.at
    UNION
    -- whomever they were called about,
    SELECT s.id
      FROM alerts.episode_event v
      JOIN registry.carer m ON m.member = v.member
      JOIN alerts.episode e ON e.id = v.episode
                           AND (e.closed_at IS NULL
                                OR e.closed_at > visible_subjects.at - interval '12 hours')
      JOIN registry.subject c ON c.id = e.subject
      JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND 'home' IN (s.kind, c.kind))
     WHERE v.member = member_id AND v.what = 'called'
    UNION
    -- and the areas to which they drive.
    SELECT s.id
      FROM registry.subject s
      JOIN registry.team_area ta ON ta.area = s.area
      JOIN registry.acting a ON a.team = ta.team AND a.during @> visible_subjects.at
      JOIN registry.carer m ON m.member = a.member
     WHERE s.kind = 'area' AND a.member = member_id
    UNION
    -- Operators see Saimi itself.
    SELECT -1
      FROM registry.member m
     WHERE m.id = member_id AND m.disabled_at IS NULL AND m.role = 'operator'
$$;
