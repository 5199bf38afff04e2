-- name: member_to_log_in(username)^
-- As saimi_login.
SELECT id, password_hash FROM login.member(:username);

-- name: member_of_identity(identity)$
-- As saimi_login.
SELECT login.member_of_identity(:identity);

-- name: start_session(token, member, lasts)!
-- As saimi_login.
SELECT login.start_session(:token, :member, :lasts);

-- name: start_provider_session(token, member, lasts, subject, session)!
-- As saimi_login.
SELECT login.start_provider_session(:token, :member, :lasts, :subject, :session);

-- name: end_provider_sessions(subject, session)$
-- As saimi_login.
SELECT login.end_provider_sessions(:subject, :session);

-- name: find_session(token, idle)^
-- The member behind a session that is neither ended, nor too old, nor unused for too long.
SELECT member, username, display_name, role, language, seen_at
  FROM audit.find_session(:token, :idle);

-- name: act_for(tokens)$
-- Whose rights the rest of the transaction has.
SELECT audit.act_for(:tokens::text[]);

-- name: gather(subjects)!
SELECT audit.gather(:subjects::integer[]);

-- name: touch_sessions(tokens)
-- Which of these still are sessions; an open page keeps its own from being called unused.
SELECT token FROM audit.touch_sessions(:tokens::text[]) AS token;

-- name: end_session(token)!
SELECT audit.end_session(:token);

-- name: set_language(member, language)!
UPDATE registry.member SET language = :language WHERE id = :member;
