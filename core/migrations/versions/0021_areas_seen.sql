-- As before; and an area is seen by the teams that drive to it, Saimi itself by its operators, as in
-- 0017_causes, which two migrations since did not know of.
CREATE OR REPLACE FUNCTION registry.visible_subjects(member_id integer, at timestamptz)
RETURNS TABLE (subject integer) LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 AS $$
    SELECT s.id
      FROM registry.subject s, registry.member m
     WHERE m.id = member_id AND m.disabled_at IS NULL AND m.role = 'coordinator'
    UNION
    SELECT c.id
      FROM registry.subject c
      JOIN registry.home h ON h.id = c.home
      JOIN registry.care_relationship cr ON cr.subject = c.id AND cr.during @> visible_subjects.at
      JOIN registry.team_area ta ON ta.team = cr.team AND ta.area = h.area
      JOIN (SELECT team, member FROM registry.team_member
             UNION ALL
            SELECT team, member FROM registry.shift WHERE during @> visible_subjects.at) tm
        ON tm.team = cr.team AND tm.member = member_id
      JOIN registry.member m ON m.id = tm.member AND m.disabled_at IS NULL
                            AND m.role IN ('member', 'clinician')
    UNION
    SELECT s.id
      FROM registry.subject s
      JOIN registry.subject c ON c.home = s.home AND c.kind = 'client'
      JOIN registry.home h ON h.id = c.home
      JOIN registry.care_relationship cr ON cr.subject = c.id AND cr.during @> visible_subjects.at
      JOIN registry.team_area ta ON ta.team = cr.team AND ta.area = h.area
      JOIN (SELECT team, member FROM registry.team_member
             UNION ALL
            SELECT team, member FROM registry.shift WHERE during @> visible_subjects.at) tm
        ON tm.team = cr.team AND tm.member = member_id
      JOIN registry.member m ON m.id = tm.member AND m.disabled_at IS NULL
                            AND m.role IN ('member', 'clinician')
     WHERE s.kind = 'home'
    UNION
    SELECT s.id
      FROM alerts.episode_event v
      JOIN registry.member m ON m.id = v.member AND m.disabled_at IS NULL
                            AND m.role IN ('member', 'clinician')
      JOIN alerts.episode e ON e.id = v.episode
                           AND (e.closed_at IS NULL
                                OR e.closed_at > visible_subjects.at - interval '12 hours')
      JOIN registry.subject c ON c.id = e.subject
      JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND 'home' IN (s.kind, c.kind))
     WHERE v.member = member_id AND v.what = 'called'
    UNION
    SELECT s.id
      FROM registry.subject s
      JOIN registry.team_area ta ON ta.area = s.area
      JOIN (SELECT team, member FROM registry.team_member
             UNION ALL
            SELECT team, member FROM registry.shift WHERE during @> visible_subjects.at) tm
        ON tm.team = ta.team AND tm.member = member_id
      JOIN registry.member m ON m.id = tm.member AND m.disabled_at IS NULL
                            AND m.role IN ('member', 'clinician')
     WHERE s.kind = 'area'
    UNION
    SELECT -1
      FROM registry.member m
     WHERE m.id = member_id AND m.disabled_at IS NULL AND m.role = 'operator'
$$;
