-- The county's monthly report counts what the county's dashboard counts, by the same functions, so
-- that the two cannot differ.

-- Areas that the caller gets figures of: a role of Grafana's its own, or all where it is the
-- county's; the web service all, while it acts for somebody of the desk. The tables are asked and
-- not audit.is_desk(), since what a view calls its reader must be allowed to run.
CREATE OR REPLACE VIEW grafana.counted_area AS
SELECT a.id, a.code, a.name
  FROM registry.area a
 WHERE EXISTS (SELECT FROM grafana.role g
                WHERE g.name = session_user AND (g.area IS NULL OR g.area = a.id))
    OR session_user = 'saimi_web' AND EXISTS (
       SELECT FROM audit.acting t
         JOIN registry.member m ON m.id = ANY (t.members)
        WHERE t.xid = pg_current_xact_id_if_assigned() AND t.pid = pg_backend_pid()
          AND m.role = 'coordinator');
-- A parallel worker has a process number of its own.
ALTER FUNCTION grafana.counted_client(boolean, tstzrange) PARALLEL RESTRICTED;

-- Alerts of all counted areas together, by `month`, `kind` or `severity` (the highest they had) of
-- those opened in a time: how many, how soon half and nine in ten of them were acknowledged and
-- the client contacted, and what came of them. Quantiles of parts cannot be put together, so each
-- grouping is counted from rows.
CREATE FUNCTION grafana.alert_groups(since timestamptz, until timestamptz, grouped text)
RETURNS TABLE (of text, alerts bigint, reviews bigint,
               acknowledged bigint, acknowledge_s double precision, acknowledge_90_s double precision,
               contacted bigint, contact_s double precision, contact_90_s double precision,
               closed bigint, close_s double precision,
               was_real bigint, was_false bigint, was_technical bigint, was_known bigint,
               pages bigint, night_pages bigint, false_night_pages bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
SELECT CASE grouped WHEN 'month' THEN to_char(e.opened_at AT TIME ZONE 'Europe/Helsinki', 'YYYY-MM')
                    WHEN 'severity' THEN e.highest::text ELSE e.kind END,
       count(*) FILTER (WHERE e.calls), count(*) FILTER (WHERE NOT e.calls),
       count(e.acknowledge_s) FILTER (WHERE e.calls),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.acknowledge_s) FILTER (WHERE e.calls),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY e.acknowledge_s) FILTER (WHERE e.calls),
       count(e.contact_s) FILTER (WHERE e.calls),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.contact_s) FILTER (WHERE e.calls),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY e.contact_s) FILTER (WHERE e.calls),
       count(e.close_s) FILTER (WHERE e.calls),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY e.close_s) FILTER (WHERE e.calls),
       count(*) FILTER (WHERE e.calls AND e.outcome = 'real'),
       count(*) FILTER (WHERE e.calls AND e.outcome = 'false'),
       count(*) FILTER (WHERE e.calls AND e.outcome = 'technical'),
       count(*) FILTER (WHERE e.calls AND e.outcome = 'known'),
       coalesce(sum(e.pages) FILTER (WHERE e.calls), 0)::bigint,
       coalesce(sum(e.night_pages) FILTER (WHERE e.calls), 0)::bigint,
       coalesce(sum(e.night_pages) FILTER (
           WHERE e.calls AND e.outcome IN ('false', 'technical')), 0)::bigint
  FROM (SELECT grafana.whole_days(since, until) AS days) span
  JOIN grafana.episode_row e ON e.opened_at >= lower(span.days) AND e.opened_at < upper(span.days)
  JOIN registry.home h ON h.id = e.home
  JOIN grafana.counted_area a ON a.id = h.area
 GROUP BY 1
 ORDER BY 1
$$;

-- How much of what gateways numbered has come, by area: of each gateway its share, and of these the
-- mean, so that one which claims absurd numbers outweighs nobody.
CREATE FUNCTION grafana.arrivals(since date, until date)
RETURNS TABLE (area text, gateways bigint, share double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
SELECT a.code, count(*), avg(g.received / g.expected)::double precision
  FROM (SELECT c.gateway, sum(c.received) AS received, sum(c.expected) AS expected
          FROM telemetry.completeness c
         WHERE c.day >= since AND c.day < until
         GROUP BY c.gateway HAVING sum(c.expected) > 0) g
  JOIN registry.gateway w ON w.id = g.gateway
  JOIN registry.home h ON h.id = w.home
  JOIN grafana.counted_area a ON a.id = h.area
 GROUP BY a.code
 ORDER BY a.code
$$;

-- What the figures are counted from, an alert a row.
CREATE VIEW seen.counted_alert WITH (security_barrier) AS
SELECT e.id, a.code AS area, e.kind, e.highest, e.calls, e.opened_at, e.acknowledge_s, e.contact_s,
       e.close_s, e.closed_at, e.outcome, e.pages, e.night_pages
  FROM grafana.episode_row e
  JOIN registry.home h ON h.id = e.home
  JOIN registry.area a ON a.id = h.area
 WHERE (SELECT audit.is_desk());

REVOKE EXECUTE ON FUNCTION grafana.alert_groups(timestamptz, timestamptz, text),
    grafana.arrivals(date, date) FROM PUBLIC;
GRANT USAGE ON SCHEMA grafana TO saimi_web;
GRANT EXECUTE ON FUNCTION grafana.alert_figures(timestamptz, timestamptz, boolean),
    grafana.alert_days(timestamptz, timestamptz), grafana.client_figures(timestamptz, boolean),
    grafana.coverage(timestamptz, timestamptz),
    grafana.alert_groups(timestamptz, timestamptz, text), grafana.arrivals(date, date)
   TO saimi_web;
GRANT SELECT ON seen.counted_alert TO saimi_web;
