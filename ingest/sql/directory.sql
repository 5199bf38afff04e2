-- name: gateways(names, now)
-- Gateways by name, a row each; with their devices and to whom these are assigned in time as arrays
-- in step, an entry an assignment (a device without one has an entry too), in the order of devices
-- and times. Times are microseconds since 1970, null where there is no bound.
SELECT g.name AS gateway, g.id AS gateway_id,
       coalesce(g.revoked_at <= :now, false) AS revoked,
       s.id AS home_subject, d.ids, d.names, d.subjects, d.users, d.since, d.until
  FROM registry.gateway g
  LEFT JOIN registry.subject s ON s.home = g.home AND s.kind = 'home'
 CROSS JOIN LATERAL (
        SELECT array_agg(e.id) AS ids, array_agg(e.name) AS names,
               array_agg(e.subject) AS subjects, array_agg(e.user_index) AS users,
               array_agg(e.since) AS since,
               array_agg(e.until) AS until
          FROM (SELECT d.id, d.name, a.subject, a.user_index,
                       CASE WHEN isfinite(lower(a.during))
                            THEN (1000000 * extract(epoch FROM lower(a.during)))::bigint END since,
                       CASE WHEN isfinite(upper(a.during))
                            THEN (1000000 * extract(epoch FROM upper(a.during)))::bigint END until
                  FROM registry.device d
                  LEFT JOIN registry.assignment a ON a.device = d.id AND NOT isempty(a.during)
                 WHERE d.gateway = g.id
                 ORDER BY d.id, a.user_index, a.during) e) d
 WHERE g.name = ANY(:names) AND g.id <> 0;
