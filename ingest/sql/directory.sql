-- name: gateways(names, now)
-- Gateways by name with their devices and to whom these are assigned in time; one row an
-- assignment, in the order of devices and times.
SELECT g.name AS gateway, g.id AS gateway_id,
       coalesce(g.revoked_at <= :now, false) AS revoked,
       s.id AS home_subject, d.id AS device, d.name AS device_name,
       a.subject, a.user_index, lower(a.during) AS since, upper(a.during) AS until
  FROM registry.gateway g
  LEFT JOIN registry.subject s ON s.home = g.home AND s.kind = 'home'
  LEFT JOIN registry.device d ON d.gateway = g.id
  LEFT JOIN registry.assignment a ON a.device = d.id AND NOT isempty(a.during)
 WHERE g.name = ANY(:names) AND g.id <> 0
 ORDER BY g.id, d.id, a.user_index, a.during;
