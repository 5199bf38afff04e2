-- name: lock_enrolment()!
-- One at a time with registry imports (core/sql/registry.sql).
SELECT pg_advisory_xact_lock(7241002);

-- name: enrolled(name)^
SELECT g.id, h.name AS home, g.revoked_at, g.credential
  FROM registry.gateway g LEFT JOIN registry.home h ON h.id = g.home
 WHERE g.name = :name;

-- name: home_named(name)^
SELECT h.id, a.code AS area FROM registry.home h JOIN registry.area a ON a.id = h.area
 WHERE h.name = :name;

-- name: area_coded(code)$
SELECT id FROM registry.area WHERE code = :code;

-- name: add_home(name, area, pseudonym)$
WITH home AS (INSERT INTO registry.home (name, area) VALUES (:name, :area) RETURNING id)
INSERT INTO registry.subject (pseudonym, kind, home)
SELECT :pseudonym, 'home', id FROM home RETURNING home;

-- name: add_gateway(name, home)$
INSERT INTO registry.gateway (name, home) VALUES (:name, :home) RETURNING id;

-- name: note_credential(gateway, credential)!
UPDATE registry.gateway SET credential = :credential WHERE id = :gateway;

-- name: put_device(gateway, name, kind, location)$
INSERT INTO registry.device AS old (gateway, name, kind, location)
VALUES (:gateway, :name, :kind, :location)
ON CONFLICT (gateway, name) DO UPDATE SET kind = excluded.kind, location = excluded.location
RETURNING id;

-- name: has_owner(device, user_index)$
SELECT EXISTS (SELECT FROM registry.assignment
                WHERE device = :device AND user_index = :user_index);

-- name: client_of_home(gateway, reference)$
SELECT c.subject
  FROM registry.client c JOIN registry.subject s ON s.id = c.subject
  JOIN registry.gateway g ON g.home = s.home
 WHERE g.id = :gateway AND c.reference = :reference;

-- name: subject_of_home(gateway)$
SELECT s.id FROM registry.subject s JOIN registry.gateway g ON g.home = s.home
 WHERE g.id = :gateway AND s.kind = 'home';

-- name: give_owner(device, user_index, subject, now)!
INSERT INTO registry.assignment (device, user_index, subject, during)
VALUES (:device, :user_index, :subject, tstzrange(:now, NULL));

-- name: no_longer_announced(gateway, device)!
DELETE FROM telemetry.announced_device WHERE gateway = :gateway AND device = :device;

-- name: revoke(name, reason, now)$
UPDATE registry.gateway
   SET revoked_at = coalesce(revoked_at, :now), revoked_reason = coalesce(revoked_reason, :reason)
 WHERE name = :name AND id <> 0
RETURNING true;

-- name: gateways()
SELECT g.name, h.name AS home, a.code AS area, g.credential, g.revoked_at, g.revoked_reason,
       s.online, s.heard_at,
       (SELECT count(*) FROM registry.device d WHERE d.gateway = g.id) AS devices,
       (SELECT count(*) FROM telemetry.announced_device n WHERE n.gateway = g.id) AS announced
  FROM registry.gateway g JOIN registry.home h ON h.id = g.home
  JOIN registry.area a ON a.id = h.area
  LEFT JOIN telemetry.gateway_status s ON s.gateway = g.id
 WHERE g.id <> 0
 ORDER BY g.name;

-- name: announced_devices(gateway)
SELECT device, metrics, first_at, last_at FROM telemetry.announced_device
 WHERE gateway = :gateway ORDER BY device;

-- name: registered_devices(gateway)
SELECT name AS device, kind, location FROM registry.device WHERE gateway = :gateway ORDER BY name;
