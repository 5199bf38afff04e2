-- Database roles that read for Grafana. Names come from format(%I), so any code of an area will do.

-- name: areas()
SELECT code, name FROM registry.area ORDER BY code;

-- name: readers()
-- Roles that are known, and whether the server has them.
SELECT r.name::text AS name, a.code AS area, r.organisation,
       EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.name) AS there
  FROM grafana.role r
  LEFT JOIN registry.area a ON a.id = r.area
 ORDER BY a.code NULLS FIRST;

-- name: note_reader(name, area)!
INSERT INTO grafana.role (name, area)
VALUES (:name::name, (SELECT id FROM registry.area WHERE code = :area::text))
ON CONFLICT (name) DO NOTHING;

-- name: note_organisation(name, organisation)!
UPDATE grafana.role SET organisation = :organisation::bigint WHERE name = :name::name;

-- name: forget_reader(name)!
DELETE FROM grafana.role WHERE name = :name::name;

-- name: role_statements(name, verifier, audience)
-- What makes a role, or makes it anew as it should be: it reads what its audience may, for so long
-- at most, on so many connections, and keeps nothing from one query to the next.
WITH role AS (
    SELECT format('%I', :name::text) AS name, format('%L', :verifier::text) AS verifier,
           EXISTS (SELECT FROM pg_roles WHERE rolname = :name::text) AS there)
SELECT CASE WHEN there THEN 'ALTER' ELSE 'CREATE' END || ' ROLE ' || name
           || ' LOGIN NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT 20 PASSWORD ' || verifier
       AS statement
  FROM role
UNION ALL
SELECT format('ALTER ROLE %s SET %s', name, setting)
  FROM role, unnest(ARRAY['statement_timeout = ''30s''',
                          'idle_in_transaction_session_timeout = ''60s''',
                          'default_transaction_read_only = on', 'jit = off']) setting
UNION ALL SELECT format('REVOKE ALL ON ALL TABLES IN SCHEMA grafana FROM %s', name) FROM role
UNION ALL SELECT format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA grafana FROM %s', name) FROM role
UNION ALL SELECT format('GRANT USAGE ON SCHEMA grafana TO %s', name) FROM role
UNION ALL
SELECT format('GRANT SELECT ON grafana.%I TO %s', view, name)
  FROM role, unnest(CASE :audience::text
      WHEN 'area' THEN '{client,care,reading,reading_hourly,reading_daily,device,band,news2_scale,
                         alert,visit,pause}'::text[]
      ELSE '{worker,waiting,rejected_day,completeness_day,gateway_heard,received_total}' END) view
UNION ALL
SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', p.oid::regprocedure, role.name)
  FROM role, pg_proc p
 WHERE p.pronamespace = 'grafana'::regnamespace
   AND p.proname = ANY(CASE :audience::text
       WHEN 'area' THEN '{completeness,newest,news2_points,coverage}'::text[]
       ELSE '{alert_figures,alert_days,client_figures,coverage}' END);

-- name: unmake_statements(name)
SELECT format(statement, :name::text) AS statement
  FROM unnest(ARRAY['REVOKE ALL ON ALL TABLES IN SCHEMA grafana FROM %I',
                    'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA grafana FROM %I',
                    'REVOKE ALL ON SCHEMA grafana FROM %I', 'DROP ROLE %I']) statement
 WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = :name::text);
