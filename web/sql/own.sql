-- name: start_client_session(code, born, token, kept)$
-- As saimi_login.
SELECT login.start_client_session(:code, :born, :token, :kept);

-- name: act_for_client(token)$
-- Whose own data the rest of the transaction sees; their language.
SELECT audit.act_for_client(:token);

-- name: end_client_session(token)!
SELECT audit.end_client_session(:token);

-- name: look_at_own(what)!
SELECT audit.look_at_own(:what);

-- name: own_client()^
SELECT subject, given_name, family_name, municipality, teams FROM seen.own_client;

-- name: own_measured()
SELECT device, kind, location, of_home, metric, time, value, qualifier
  FROM seen.own_measured ORDER BY of_home, device, metric;

-- name: own_looks(before, zone, count)
-- Who looked, a row for each day, member, reason and thing; the newest day first.
SELECT (l.wall_at AT TIME ZONE :zone)::date AS day, l.name, l.unit, l.what, l.purpose, l.reason, l.record,
       count(*) AS times, max(l.wall_at) AS last
  FROM seen.own_look l
 WHERE (l.wall_at AT TIME ZONE :zone)::date < :before::date
 GROUP BY day, l.member, l.name, l.unit, l.what, l.purpose, l.reason, l.record
 ORDER BY day DESC, last DESC LIMIT :count;

-- name: own_cases(since)
SELECT id, kind, opened_at, acknowledged_at, taken_by, contacted_at, closed_at, answer, words
  FROM seen.own_case WHERE opened_at > :since OR closed_at IS NULL ORDER BY opened_at DESC;

-- name: own_wishes(since)
SELECT at, words FROM seen.own_wish WHERE at > :since ORDER BY at DESC;

-- name: ask_for_call(action, words)$
SELECT telemetry.ask_for_call(:action, :words);

-- name: say_afterwards(action, episode, answer, words)$
SELECT alerts.say_afterwards(:action, :episode, :answer, :words);

-- name: own_words_of(subjects, since, until, episode)
-- What clients said, for whoever sees them: while an alert was open, and afterwards of it.
SELECT w.at, w.what, w.answer, w.words, m.display_name AS member
  FROM alerts.own_word w LEFT JOIN registry.member m ON m.id = w.member
 WHERE w.subject = ANY(:subjects::int[])
   AND (w.episode = :episode
        OR (w.what = 'call' AND w.at >= :since::timestamptz
            AND w.at <= coalesce(:until::timestamptz, 'infinity')))
 ORDER BY w.at, w.id;

-- name: client_login(subject)^
SELECT sessions, seen_at, code_until FROM seen.client_login WHERE subject = :subject;

-- name: give_client_code(action, subject, code)$
SELECT audit.give_client_code(:action, :subject, :code);

-- name: end_client_logins(action, subject)$
SELECT audit.end_client_logins(:action, :subject);

-- name: may_export(subject)$
SELECT audit.may_export(:subject);

-- name: note_export(subject, why)$
SELECT audit.note_export(:subject, :why);

-- name: export_of(subject)$
SELECT audit.export_of(:subject);

-- name: all_readings_of(subject)
SELECT time, metric, value, qualifier, state, received_at, kind, place, entered
  FROM audit.exported_readings(:subject);

-- name: all_days_of(subject)
SELECT bucket, metric, count, suspect, lowest, highest, mean, kind, place
  FROM audit.exported_days(:subject);

-- name: language_of(subject)$
SELECT language FROM registry.client WHERE subject = :subject;
