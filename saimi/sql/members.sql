-- Staff who log in.

-- name: member(username)^
SELECT id FROM registry.member WHERE username = :username;

-- name: unknown_team(teams)$
SELECT name FROM unnest(:teams::text[]) AS name
 WHERE name NOT IN (SELECT t.name FROM registry.team t) LIMIT 1;

-- name: add_member(username, display_name, role, language, identity)$
INSERT INTO registry.member (username, display_name, role, language, identity)
VALUES (:username, :display_name, :role, :language, :identity) RETURNING id;

-- name: update_member(member, display_name, role, language, identity)!
-- What is null stays as it is.
UPDATE registry.member
   SET display_name = coalesce(:display_name, display_name), role = coalesce(:role, role),
       language = coalesce(:language, language), identity = coalesce(:identity, identity),
       disabled_at = NULL
 WHERE id = :member;

-- name: shared_identity(username, identity)$
SELECT username FROM registry.member
 WHERE username <> :username AND coalesce(identity, username) = coalesce(:identity::text, :username)
 LIMIT 1;

-- name: join_teams(member, teams)!
INSERT INTO registry.team_member (team, member)
SELECT id, :member FROM registry.team WHERE name = ANY (:teams::text[])
ON CONFLICT DO NOTHING;

-- name: set_password(member, password_hash)!
UPDATE registry.member SET password_hash = :password_hash WHERE id = :member;

-- name: end_sessions(member, wall_at)!
UPDATE audit.session SET ended_at = :wall_at WHERE member = :member AND ended_at IS NULL;

-- name: members()
SELECT m.username, m.display_name, m.role, m.language, m.identity,
       (SELECT coalesce(array_agg(t.name ORDER BY t.name), '{}')
          FROM registry.team_member tm JOIN registry.team t ON t.id = tm.team
         WHERE tm.member = m.id) AS teams,
       m.password_hash IS NOT NULL AS password,
       m.disabled_at IS NOT NULL AS disabled
  FROM registry.member m ORDER BY m.username;
