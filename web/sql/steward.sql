-- What is decided at the desk, and what was.

-- name: plan(subject)^
-- A client's plan, with the digest by which a change says what it was made from.
SELECT plan, md5(plan::text) AS digest, audit.may_plan(:subject) AS may_plan,
       audit.may_pause(:subject) AS may_pause
  FROM registry.plan_of(:subject) AS plan;

-- name: change_plan(action, subject, was, plan, why)$
SELECT registry.change_plan(:action, :subject, :was, :plan::jsonb, :why);

-- name: plan_seen(subject, was)$
-- The plan of that digest, as it was before somebody changed it.
SELECT c.detail -> 'before' FROM audit.change c
 WHERE c.subject = :subject AND c.what = 'plan' AND md5((c.detail -> 'before')::text) = :was
 ORDER BY c.id DESC LIMIT 1;

-- name: plan_changes(subject, count)
SELECT c.id, c.at, c.detail, c.why, m.display_name AS member
  FROM audit.change c
  LEFT JOIN registry.member m ON m.id = c.member
 WHERE c.subject = :subject AND c.what = 'plan'
 ORDER BY c.id DESC LIMIT :count;

-- name: pauses_of(subject, now, count)
-- Of a client and of the home, the newest first.
SELECT p.id, s.kind = 'home' AS of_home, p.kind, p.since, p.until, p.ended_at, p.set_at,
       a.display_name AS set_by, e.display_name AS ended_by, p.until > :now::timestamptz AS ahead
  FROM registry.subject c
  JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND s.kind = 'home')
  JOIN registry.pause p ON p.subject = s.id
  LEFT JOIN registry.member a ON a.id = p.set_by
  LEFT JOIN registry.member e ON e.id = p.ended_by
 WHERE c.id = :subject
 ORDER BY p.id DESC LIMIT :count;

-- name: home_of(subject)$
SELECT h.id FROM registry.subject c
  JOIN registry.subject h ON h.home = c.home AND h.kind = 'home'
 WHERE c.id = :subject;

-- name: pause_of(pause, subject)$
-- That pause, if it is this client's or the home's.
SELECT p.id
  FROM registry.subject c
  JOIN registry.subject s ON s.id = c.id OR (s.home = c.home AND s.kind = 'home')
  JOIN registry.pause p ON p.subject = s.id
 WHERE c.id = :subject AND p.id = :pause;

-- name: note_change(action, what, subject, detail, why)$
-- False: this action was taken before.
SELECT audit.note_change(:action, :what, :subject, :detail::jsonb, :why);

-- name: device_kinds()
SELECT DISTINCT kind FROM registry.device WHERE kind NOT IN ('unknown', 'entered', 'own') ORDER BY kind;

-- name: devices_waiting(count)
-- Devices of which readings came that are kept and nobody's: not registered (device null), or
-- assigned to nobody when they were measured.
SELECT w.gateway, g.name AS gateway_name, w.device AS name, w.reason, d.id AS device, d.kind,
       h.address, a.name AS area, count(*) AS readings, min(w.received_at) AS first,
       max(w.received_at) AS last, array_agg(DISTINCT w.metric) AS metrics
  FROM seen.rejected_of_device w
  JOIN registry.gateway g ON g.id = w.gateway
  JOIN registry.home h ON h.id = g.home
  JOIN registry.area a ON a.id = h.area
  LEFT JOIN registry.device d ON d.gateway = w.gateway AND d.name = w.device
 GROUP BY w.gateway, g.name, w.device, w.reason, d.id, h.id, a.id
 ORDER BY last DESC LIMIT :count;

-- name: devices_unassigned(now, count)
-- Registered and nobody's now.
SELECT d.id AS device, d.name, d.kind, d.location, g.name AS gateway_name, h.address,
       a.name AS area
  FROM registry.device d
  JOIN registry.gateway g ON g.id = d.gateway AND g.revoked_at IS NULL
  JOIN registry.home h ON h.id = g.home
  JOIN registry.area a ON a.id = h.area
 WHERE d.kind NOT IN ('entered', 'own') AND d.id <> 0
   AND NOT EXISTS (SELECT FROM registry.assignment s
                    WHERE s.device = d.id AND s.during @> :now::timestamptz)
 ORDER BY d.id DESC LIMIT :count;

-- name: held_waiting(count)
SELECT w.device, w.user_index, d.name, d.kind, g.name AS gateway_name, h.address, a.name AS area,
       count(*) AS readings, min(w.time) AS first, max(w.time) AS last,
       array_agg(DISTINCT m.name) AS metrics
  FROM seen.held w
  JOIN telemetry.metric m ON m.id = w.metric
  JOIN registry.device d ON d.id = w.device
  JOIN registry.gateway g ON g.id = d.gateway
  JOIN registry.home h ON h.id = g.home
  JOIN registry.area a ON a.id = h.area
 GROUP BY w.device, w.user_index, d.id, g.id, h.id, a.id
 ORDER BY last DESC LIMIT :count;

-- name: gateway_of(gateway)^
SELECT g.id, g.name, h.address, a.name AS area
  FROM registry.gateway g JOIN registry.home h ON h.id = g.home JOIN registry.area a ON a.id = h.area
 WHERE g.id = :gateway;

-- name: device_of(device)^
SELECT d.id, d.name, d.kind, d.location, g.id AS gateway, g.name AS gateway_name, h.address,
       a.name AS area, registry.assignments_digest(d.id) AS digest
  FROM registry.device d
  JOIN registry.gateway g ON g.id = d.gateway
  JOIN registry.home h ON h.id = g.home
  JOIN registry.area a ON a.id = h.area
 WHERE d.id = :device AND d.id <> 0;

-- name: owners_of(device)
-- Who could own a device: who lives where it stands, and the home itself.
SELECT s.id, s.pseudonym, s.kind, c.given_name, c.family_name, c.born
  FROM registry.device d
  JOIN registry.gateway g ON g.id = d.gateway
  JOIN registry.subject s ON s.home = g.home AND s.kind IN ('client', 'home')
  LEFT JOIN registry.client c ON c.subject = s.id
 WHERE d.id = :device
 ORDER BY s.kind, c.family_name, c.given_name, s.id;

-- name: assignments_of(device)
SELECT a.user_index, s.id AS subject, s.kind, c.given_name, c.family_name, c.born,
       lower(a.during) AS since, upper(a.during) AS until
  FROM registry.assignment a
  JOIN registry.subject s ON s.id = a.subject
  LEFT JOIN registry.client c ON c.subject = s.id
 WHERE a.device = :device
 ORDER BY lower(a.during) DESC, a.user_index;

-- name: readings_since(device, since)
-- Whose what a device has measured since then is now; held: of nobody known.
SELECT r.subject, coalesce(h.user_index, 0::smallint) AS user_index, count(*) AS readings,
       c.given_name, c.family_name, c.born
  FROM seen.reading r
  LEFT JOIN seen.held h ON h.device = r.device AND h.metric = r.metric AND h.time = r.time
  LEFT JOIN registry.client c ON c.subject = r.subject
 WHERE r.device = :device AND r.time >= :since
 GROUP BY r.subject, 2, c.subject
 ORDER BY r.subject, 2;

-- name: assign_device(action, device, user_index, subject, since, was, why)$
SELECT registry.assign_device(:action, :device, :user_index::smallint, :subject, :since, :was,
                              :why);

-- name: end_assignment(action, device, user_index, was, why)$
SELECT registry.end_assignment(:action, :device, :user_index::smallint, :was, :why);

-- name: add_device(action, gateway, name, kind, location, why)$
SELECT registry.add_device(:action, :gateway, :name, :kind, :location, :why);

-- name: members_seen(count)
SELECT m.id, m.username, m.display_name, m.role, m.identity, m.disabled_at, m.rights,
       md5(m.rights::text) AS digest
  FROM seen.member m ORDER BY m.disabled_at IS NOT NULL, m.display_name, m.id LIMIT :count;

-- name: member_seen(member)^
SELECT m.id, m.username, m.display_name, m.role, m.identity, m.disabled_at, m.has_password,
       m.rights, md5(m.rights::text) AS digest
  FROM seen.member m WHERE m.id = :member;

-- name: teams_with_areas()
SELECT t.id, t.name, t.service, array_remove(array_agg(a.name ORDER BY a.name), NULL) AS areas
  FROM registry.team t
  LEFT JOIN registry.team_area ta ON ta.team = t.id
  LEFT JOIN registry.area a ON a.id = ta.area
 GROUP BY t.id ORDER BY t.name;

-- name: change_rights(action, member, was, wanted, why)$
SELECT registry.change_rights(:action, :member, :was, :wanted::jsonb, :why);

-- name: rights_changes(member, count)
SELECT c.at, c.detail, c.why, m.display_name AS by
  FROM audit.change c LEFT JOIN registry.member m ON m.id = c.member
 WHERE c.what = 'rights' AND (c.detail ->> 'member')::integer = :member
 ORDER BY c.id DESC LIMIT :count;
