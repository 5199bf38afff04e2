-- Who may see whom, and when: said once. Whoever asks gives the moment.

-- The shared clock (core.clock), which no setting of a connection moves.
CREATE FUNCTION ops.now() RETURNS timestamptz LANGUAGE plpgsql STABLE SECURITY DEFINER
PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT c.anchor + (statement_timestamp() - c.wall_anchor) * c.factor
                       FROM ops.clock c), statement_timestamp());
END $$;

-- A subject may be there several times for a member, once for each way of seeing it.
CREATE VIEW registry.sight AS
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
 WHERE m.disabled_at IS NULL AND m.role = 'operator';

-- Whom a member may see at a moment.
CREATE OR REPLACE FUNCTION registry.visible_subjects(member_id integer, at timestamptz)
RETURNS TABLE (subject integer) LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 AS $$
    SELECT DISTINCT s.subject
      FROM registry.sight s
     WHERE s.member = member_id
       AND s.acting @> visible_subjects.at AND s.during @> visible_subjects.at
$$;

-- Whether a member may see one subject at a moment. The web service may ask for those alone for
-- whom it acts.
CREATE FUNCTION registry.may_see(member_id integer, subject_id integer, at timestamptz)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF session_user = 'saimi_web' AND member_id <> ALL (audit.members()) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM registry.sight s
                    WHERE s.member = member_id AND s.subject = subject_id
                      AND s.acting @> may_see.at AND s.during @> may_see.at);
END $$;

-- What the web service may read instead of the tables beneath.
CREATE SCHEMA seen;

-- Whom those may see for whom this transaction acts; one of them may be there several times.
CREATE VIEW seen.subject WITH (security_barrier) AS
SELECT s.subject
  FROM registry.sight s
 WHERE s.member = ANY ((SELECT audit.members())::integer[])
   AND s.acting @> (SELECT ops.now()) AND s.during @> (SELECT ops.now());

-- For many at once (the live list): which of these subjects each of those may see for whom this
-- transaction acts. Members of one role and the same teams see the same, so it is asked once for
-- all of them; but who was called sees that alert alone, so they are asked for by themselves. Who
-- may see nothing is not among the rows.
CREATE FUNCTION seen.by_member(subjects integer[])
RETURNS TABLE (members integer[], subject integer[]) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH asking AS (
        SELECT m.id, m.role,
               array(SELECT DISTINCT a.team FROM registry.acting a
                      WHERE a.member = m.id AND a.during @> ops.now()
                      ORDER BY 1) AS teams,
               CASE WHEN EXISTS (SELECT FROM alerts.episode_event v
                                  WHERE v.member = m.id AND v.what = 'called')
                    THEN m.id END AS called
          FROM registry.member m
         WHERE m.id = ANY (audit.members())
    ), alike AS (
        SELECT array_agg(a.id) AS members, min(a.id) AS one FROM asking a
         GROUP BY a.role, a.teams, a.called
    )
    SELECT alike.members, array_agg(v.subject)
      FROM alike
     CROSS JOIN LATERAL registry.visible_subjects(alike.one, (SELECT ops.now())) AS v
     WHERE v.subject = ANY (subjects)
     GROUP BY alike.members;
END $$;
