-- name: member_to_log_in(username)^
SELECT id, password_hash FROM registry.member
 WHERE username = :username AND disabled_at IS NULL;

-- name: start_session(token_hash, member, wall, expires_at)!
INSERT INTO audit.session (token_hash, member, created_at, seen_at, expires_at)
VALUES (:token_hash, :member, :wall, :wall, :expires_at);

-- name: find_session(token_hash, wall, idle_since)^
-- The member behind a session that is neither ended, nor too old, nor unused for too long.
SELECT m.id AS member, m.username, m.display_name, m.role, m.language, s.expires_at, s.seen_at
  FROM audit.session s
  JOIN registry.member m ON m.id = s.member AND m.disabled_at IS NULL
 WHERE s.token_hash = :token_hash AND s.ended_at IS NULL
   AND s.expires_at > :wall AND s.seen_at > :idle_since;

-- name: touch_sessions(token_hashes, wall)!
UPDATE audit.session SET seen_at = :wall
 WHERE token_hash = ANY(:token_hashes::bytea[]) AND seen_at < :wall;

-- name: living_sessions(token_hashes, wall)
-- Which of these still are sessions; an open page keeps its own from being called unused.
SELECT s.token_hash
  FROM audit.session s
  JOIN registry.member m ON m.id = s.member AND m.disabled_at IS NULL
 WHERE s.token_hash = ANY(:token_hashes::bytea[]) AND s.ended_at IS NULL AND s.expires_at > :wall;

-- name: end_session(token_hash, wall)!
UPDATE audit.session SET ended_at = :wall WHERE token_hash = :token_hash AND ended_at IS NULL;

-- name: set_language(member, language)!
UPDATE registry.member SET language = :language WHERE id = :member;
