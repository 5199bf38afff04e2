-- name: alert_figures(since, until, by_team)
-- The dashboard's figures, by municipality or team, with the municipality's name.
SELECT a.name, f.*
  FROM grafana.alert_figures(:since::timestamptz, :until::timestamptz, :by_team::boolean) f
  JOIN registry.area a ON a.code = f.area
 ORDER BY a.name, f.team;

-- name: alert_days(since, until)
SELECT * FROM grafana.alert_days(:since::timestamptz, :until::timestamptz);

-- name: alert_groups(since, until, grouped)
SELECT * FROM grafana.alert_groups(:since::timestamptz, :until::timestamptz, :grouped::text);

-- name: coverage_figures(since, until)
SELECT * FROM grafana.coverage(:since::timestamptz, :until::timestamptz);

-- name: client_figures(at)
SELECT * FROM grafana.client_figures(:at::timestamptz, false);

-- name: arrival_figures(since, until)
SELECT * FROM grafana.arrivals(:since::date, :until::date);

-- name: counted_alerts(since, until)
-- What the figures are counted from.
SELECT * FROM seen.counted_alert
 WHERE opened_at >= :since::timestamptz AND opened_at < :until::timestamptz
 ORDER BY opened_at, id LIMIT 100000;

-- name: alerts_by_kind(subject, since, until, lately)
-- A client's alerts by kind: in all, those since `lately`, and those that were real.
SELECT e.kind, count(*) AS all, count(*) FILTER (WHERE e.opened_at >= :lately::timestamptz) AS lately,
       count(*) FILTER (WHERE e.outcome = 'real') AS real
  FROM alerts.episode e
 WHERE e.subject = :subject::integer
   AND e.opened_at >= :since::timestamptz AND e.opened_at <= :until::timestamptz
 GROUP BY e.kind
 ORDER BY count(*) DESC, e.kind;
