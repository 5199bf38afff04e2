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

-- The same for those for whom this transaction acts: one subject; a home; a gateway; an episode.
-- Functions and not views, whose plans a connection keeps: as part of every query they took longer to
-- plan than to run.
CREATE FUNCTION audit.sees(subject_id integer) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine CONSTANT integer[] := audit.members();
    at CONSTANT timestamptz := ops.now();
BEGIN
    -- The commonest way of seeing first: it costs a third of asking for all of them.
    RETURN EXISTS (SELECT FROM registry.caring c
                    WHERE c.member = ANY (mine) AND c.subject = subject_id
                      AND c.acting @> at AND c.during @> at)
        OR EXISTS (SELECT FROM registry.sight s
                    WHERE s.member = ANY (mine) AND s.subject = subject_id
                      AND s.acting @> at AND s.during @> at);
END $$;

-- Before a query over many: find out at once whom they may see, of all or of these; for the rest of
-- the transaction they see nobody else.
CREATE FUNCTION audit.gather(asked integer[] DEFAULT NULL) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine CONSTANT integer[] := audit.members();
    at CONSTANT timestamptz := ops.now();
    found int4multirange;
BEGIN
    IF audit.is_desk() THEN
        RETURN;
    END IF;
    IF asked IS NULL THEN
        found := (SELECT range_agg(int4range(s.subject, s.subject, '[]'))
                    FROM (SELECT DISTINCT subject FROM registry.sight
                           WHERE member = ANY (mine) AND acting @> at AND during @> at) s);
    ELSE
        found := (SELECT range_agg(int4range(s.subject, s.subject, '[]'))
                    FROM unnest(asked) AS s(subject) WHERE audit.sees(s.subject));
    END IF;
    UPDATE audit.acting a
       SET gathered = coalesce(found, '{}'),
           homes = coalesce((SELECT range_agg(int4range(s.home, s.home, '[]'))
                               FROM unnest(found) AS one
                              CROSS JOIN generate_series(lower(one), upper(one) - 1) AS each
                               JOIN registry.subject s ON s.id = each), '{}')
     WHERE a.xid = pg_current_xact_id_if_assigned() AND a.pid = pg_backend_pid();
END $$;

CREATE FUNCTION audit.gathered() RETURNS int4multirange LANGUAGE plpgsql STABLE SECURITY DEFINER
PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Added to nothing it is a value of its own, and not unpacked anew for every row.
    RETURN (SELECT a.gathered + '{}' FROM audit.acting a
             WHERE a.xid = pg_current_xact_id_if_assigned() AND a.pid = pg_backend_pid());
END $$;

CREATE FUNCTION audit.gathered_homes() RETURNS int4multirange LANGUAGE plpgsql STABLE
SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT a.homes + '{}' FROM audit.acting a
             WHERE a.xid = pg_current_xact_id_if_assigned() AND a.pid = pg_backend_pid());
END $$;

CREATE FUNCTION audit.sees_home(home_id integer) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM registry.subject s
                    WHERE s.home = home_id
                      AND coalesce((SELECT audit.gathered()) @> s.id, audit.sees(s.id)));
END $$;

CREATE FUNCTION audit.sees_episode(episode_id bigint) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM alerts.episode e
                    WHERE e.id = episode_id
                      AND coalesce((SELECT audit.gathered()) @> e.subject, audit.sees(e.subject)));
END $$;

CREATE FUNCTION audit.sees_gateway(gateway_id integer) RETURNS boolean LANGUAGE plpgsql STABLE
SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN audit.sees_home((SELECT g.home FROM registry.gateway g WHERE g.id = gateway_id));
END $$;

-- What the web service may read instead of the tables beneath.
CREATE SCHEMA seen;

-- For many at once (the live list): which of these subjects each of those may see for whom this
-- transaction acts; null: of those whom open episodes are about, a home's being about its clients as
-- well. Who may see nothing is not among the rows.
CREATE FUNCTION seen.by_member(asked integer[])
RETURNS TABLE (member integer, subjects integer[]) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine CONSTANT integer[] := audit.members();
    at CONSTANT timestamptz := ops.now();
    about CONSTANT integer[] := coalesce(asked, array(
        SELECT e.subject FROM alerts.episode e WHERE e.closed_at IS NULL
         UNION
        SELECT c.id
          FROM alerts.episode e
          JOIN registry.subject h ON h.id = e.subject AND h.kind = 'home'
          JOIN registry.subject c ON c.home = h.home AND c.kind = 'client'
         WHERE e.closed_at IS NULL));
BEGIN
    RETURN QUERY
    SELECT s.member, array_agg(DISTINCT s.subject)
      FROM registry.sight s
     WHERE s.member = ANY (mine) AND s.subject = ANY (about)
       AND s.acting @> at AND s.during @> at
     GROUP BY s.member;
END $$;
