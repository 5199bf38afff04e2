-- Figures by area or by team, for the county and, each for itself, for its areas. Functions and not
-- views, since a median over a month cannot be put together from medians of days; they run with the
-- owner's rights, name no client, and take whole days (Europe/Helsinki) only: of one alert at one
-- minute nothing can be asked.

-- Areas that the role that logged in gets figures of; beneath the others, granted to nobody.
CREATE VIEW grafana.counted_area AS
SELECT a.id, a.code, a.name
  FROM grafana.role g
  JOIN registry.area a ON g.area IS NULL OR a.id = g.area
 WHERE g.name = session_user;

-- The whole days that a range touches, at most two years of them.
CREATE FUNCTION grafana.whole_days(since timestamptz, until timestamptz) RETURNS tstzrange
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT tstzrange(first, least(after, first + INTERVAL '731 days'))
  FROM (SELECT date_trunc('day', since, 'Europe/Helsinki') AS first,
               date_trunc('day', greatest(until, since) + INTERVAL '1 day' - INTERVAL '1 microsecond',
                          'Europe/Helsinki') AS after) d
$$;

-- A client and where they count: in their area (unit '' where by area), or in each of their teams.
CREATE FUNCTION grafana.counted_client(by_team boolean, span tstzrange)
RETURNS TABLE (area text, team text, client integer, home integer)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a.code, '', s.id, s.home
      FROM grafana.counted_area a
      JOIN registry.home h ON h.area = a.id
      JOIN registry.subject s ON s.home = h.id AND s.kind = 'client'
     WHERE NOT by_team
    UNION ALL
    SELECT DISTINCT a.code, t.name, s.id, s.home
      FROM grafana.counted_area a
      JOIN registry.home h ON h.area = a.id
      JOIN registry.subject s ON s.home = h.id AND s.kind = 'client'
      JOIN registry.care_relationship cr ON cr.subject = s.id AND cr.during && span
      JOIN registry.team t ON t.id = cr.team
     WHERE by_team
$$;

-- Alerts opened in a time. `alerts` call somebody, `reviews` do not; outcomes, times and pages are
-- of alerts. Medians are null where nothing of the kind has happened yet. An alert of a home counts
-- once in its area, and once in each team that cares for somebody who lives there.
CREATE FUNCTION grafana.alert_figures(since timestamptz, until timestamptz, by_team boolean)
RETURNS TABLE (area text, team text, days integer, clients bigint, alerts bigint, reviews bigint,
               acknowledge_s double precision, contact_s double precision, close_s double precision,
               was_real bigint, was_false bigint, was_technical bigint, was_known bigint,
               open bigint, pages bigint, night_pages bigint, false_night_pages bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
WITH span AS (
    SELECT grafana.whole_days(since, until) AS of),
counted AS (
    SELECT c.* FROM span, grafana.counted_client(by_team, span.of) c),
units AS (
    SELECT area, team, count(*) AS clients FROM counted GROUP BY area, team),
rows AS (
    SELECT e.* FROM span, grafana.episode_row e
     WHERE e.opened_at >= lower(span.of) AND e.opened_at < upper(span.of)),
placed AS (
    SELECT DISTINCT c.area, c.team, r.id
      FROM rows r
      JOIN counted c ON c.home = r.home AND (c.client = r.subject OR r.subject_kind = 'home')),
figures AS (
    SELECT p.area, p.team,
           count(*) FILTER (WHERE r.calls) AS alerts,
           count(*) FILTER (WHERE NOT r.calls) AS reviews,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY r.acknowledge_s) FILTER (WHERE r.calls)
               AS acknowledge_s,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY r.contact_s) FILTER (WHERE r.calls)
               AS contact_s,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY r.close_s) FILTER (WHERE r.calls) AS close_s,
           count(*) FILTER (WHERE r.calls AND r.outcome = 'real') AS was_real,
           count(*) FILTER (WHERE r.calls AND r.outcome = 'false') AS was_false,
           count(*) FILTER (WHERE r.calls AND r.outcome = 'technical') AS was_technical,
           count(*) FILTER (WHERE r.calls AND r.outcome = 'known') AS was_known,
           count(*) FILTER (WHERE r.calls AND r.closed_at IS NULL) AS open,
           coalesce(sum(r.pages) FILTER (WHERE r.calls), 0)::bigint AS pages,
           coalesce(sum(r.night_pages) FILTER (WHERE r.calls), 0)::bigint AS night_pages,
           coalesce(sum(r.night_pages) FILTER (WHERE r.calls
               AND r.outcome IN ('false', 'technical')), 0)::bigint AS false_night_pages
      FROM placed p JOIN rows r USING (id)
     GROUP BY p.area, p.team)
SELECT u.area, u.team,
       round(extract(epoch FROM upper(span.of) - lower(span.of)) / 86400)::integer, u.clients,
       coalesce(f.alerts, 0), coalesce(f.reviews, 0), f.acknowledge_s, f.contact_s, f.close_s,
       coalesce(f.was_real, 0), coalesce(f.was_false, 0), coalesce(f.was_technical, 0),
       coalesce(f.was_known, 0), coalesce(f.open, 0), coalesce(f.pages, 0),
       coalesce(f.night_pages, 0), coalesce(f.false_night_pages, 0)
  FROM span, units u LEFT JOIN figures f ON f.area = u.area AND f.team = u.team
 ORDER BY u.area, u.team
$$;

-- Alerts and pages by the day of opening.
CREATE FUNCTION grafana.alert_days(since timestamptz, until timestamptz)
RETURNS TABLE (area text, day timestamptz, alerts bigint, pages bigint, night_pages bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
WITH span AS (
    SELECT grafana.whole_days(since, until) AS of),
rows AS (
    SELECT a.code, date_trunc('day', e.opened_at, 'Europe/Helsinki') AS day, e.pages, e.night_pages
      FROM span
      JOIN grafana.episode_row e ON e.opened_at >= lower(span.of) AND e.opened_at < upper(span.of)
      JOIN registry.home h ON h.id = e.home
      JOIN grafana.counted_area a ON a.id = h.area
     WHERE e.calls)
SELECT a.code, d.day, count(r.code), coalesce(sum(r.pages), 0)::bigint,
       coalesce(sum(r.night_pages), 0)::bigint
  FROM span
 CROSS JOIN grafana.counted_area a
 CROSS JOIN LATERAL generate_series(lower(span.of) AT TIME ZONE 'Europe/Helsinki',
                                    upper(span.of) AT TIME ZONE 'Europe/Helsinki' - INTERVAL '1 hour',
                                    INTERVAL '1 day') AS l(day)
 CROSS JOIN LATERAL (SELECT l.day AT TIME ZONE 'Europe/Helsinki') AS d(day)
  LEFT JOIN rows r ON r.code = a.code AND r.day = d.day
 GROUP BY a.code, d.day
 ORDER BY d.day, a.code
$$;

-- Clients at a moment: silent are those of whom, or of whose home, an alert of silence stands;
-- away are those with a pause, guests aside; unheard those whose gateway has not been heard for a
-- day, by what is known now.
CREATE FUNCTION grafana.client_figures(at timestamptz, by_team boolean)
RETURNS TABLE (area text, team text, clients bigint, silent bigint, away bigint, unheard bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
WITH silent AS (
    SELECT DISTINCT s.id, s.home, s.kind
      FROM alerts.episode e JOIN registry.subject s ON s.id = e.subject
     WHERE e.kind = 'silence' AND e.opened_at <= client_figures.at
       AND coalesce(e.cleared_at, e.closed_at, 'infinity') > client_figures.at),
away AS (
    SELECT DISTINCT s.id, s.home, s.kind
      FROM registry.pause p JOIN registry.subject s ON s.id = p.subject
     WHERE p.kind IN ('hospital', 'holiday') AND p.during @> client_figures.at),
unheard AS (
    SELECT DISTINCT g.home
      FROM registry.gateway g
      LEFT JOIN telemetry.gateway_status t ON t.gateway = g.id
     WHERE g.revoked_at IS NULL
       AND coalesce(t.heard_at, '-infinity') < client_figures.at - INTERVAL '1 day')
SELECT c.area, c.team, count(*),
       count(*) FILTER (WHERE c.client IN (SELECT id FROM silent)
                           OR c.home IN (SELECT home FROM silent WHERE kind = 'home')),
       count(*) FILTER (WHERE c.client IN (SELECT id FROM away)
                           OR c.home IN (SELECT home FROM away WHERE kind = 'home')),
       count(*) FILTER (WHERE c.home IN (SELECT home FROM unheard))
  FROM grafana.counted_client(by_team, tstzrange(client_figures.at, client_figures.at, '[]')) c
 GROUP BY c.area, c.team
 ORDER BY c.area, c.team
$$;

CREATE FUNCTION grafana.hours_of(spans tstzmultirange) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT coalesce(sum(extract(epoch FROM upper(s) - lower(s))), 0)::double precision / 3600
  FROM unnest(spans) s
$$;

-- Round-the-clock coverage by team, and of the area by any of them (team ''): the time in which at
-- least one was on duty, and of the nights (22 to 6 in Finland).
CREATE FUNCTION grafana.coverage(since timestamptz, until timestamptz)
RETURNS TABLE (area text, team text, hours double precision, covered_hours double precision,
               night_hours double precision, covered_night_hours double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
WITH span AS (
    SELECT grafana.whole_days(since, until) AS of),
nights AS (
    SELECT range_agg(span.of * tstzrange(
               (day - INTERVAL '2 hours') AT TIME ZONE 'Europe/Helsinki',
               (day + INTERVAL '6 hours') AT TIME ZONE 'Europe/Helsinki')) AS of
      FROM span, generate_series(lower(span.of) AT TIME ZONE 'Europe/Helsinki',
                                 upper(span.of) AT TIME ZONE 'Europe/Helsinki',
                                 INTERVAL '1 day') AS day),
teams AS (
    SELECT a.code AS area, coalesce(t.name, '') AS team,
           coalesce(range_agg(s.during * span.of) FILTER (WHERE s.during && span.of), '{}') AS duty
      FROM span
     CROSS JOIN grafana.counted_area a
      JOIN registry.team_area ta ON ta.area = a.id
      JOIN registry.team t ON t.id = ta.team
      LEFT JOIN registry.shift s ON s.team = t.id AND s.during && span.of
     GROUP BY GROUPING SETS ((a.code, t.name), (a.code)))
SELECT t.area, t.team, grafana.hours_of(tstzmultirange(span.of)), grafana.hours_of(t.duty),
       grafana.hours_of(nights.of), grafana.hours_of(nights.of * t.duty)
  FROM span, nights, teams t
 ORDER BY t.area, t.team
$$;
