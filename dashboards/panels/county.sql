-- The county's dashboard: figures by municipality and team that name no client. Each of them counts
-- rows that an area's own dashboard lists (docs/grafana.md).

-- name: areas
SELECT DISTINCT f.area AS __text
  FROM grafana.client_figures(now(), false) f
 ORDER BY 1;

-- name: figures
-- By municipality or by team, beside the same length of time before.
SELECT f.area AS "${area}", f.team AS "${team}", f.clients AS "${clients}",
       f.alerts AS "${alerts}", 100.0 * f.alerts / nullif(f.clients, 0) AS "${per_100}",
       100.0 * (f.alerts::double precision / f.days * b.days / nullif(b.alerts, 0) - 1)
           AS "${change}",
       f.reviews AS "${reviews}", f.acknowledge_s AS "${to_acknowledge}",
       f.contact_s AS "${to_contact}", f.close_s AS "${to_close}",
       f.was_real::double precision / nullif(f.alerts - f.open, 0) AS "${share_real}",
       f.was_false::double precision / nullif(f.alerts - f.open, 0) AS "${share_false}",
       f.open AS "${open_alerts}", f.pages::double precision / f.days AS "${pages_day}",
       f.false_night_pages::double precision / f.days AS "${false_nights}"
  FROM grafana.alert_figures($__timeFrom()::timestamptz, $__timeTo()::timestamptz, ${by_team}) f
  LEFT JOIN grafana.alert_figures(
       $__timeFrom()::timestamptz - ($__timeTo()::timestamptz - $__timeFrom()::timestamptz),
       $__timeFrom()::timestamptz - INTERVAL '1 day', ${by_team}) b
    ON b.area = f.area AND b.team = f.team
 WHERE f.area IN (${area:sqlstring})
 ORDER BY 1, 2;

-- name: totals
SELECT sum(f.clients) AS "${clients}", sum(f.alerts) AS "${alerts}",
       100.0 * sum(f.alerts) / nullif(sum(f.clients), 0) AS "${per_100}",
       sum(f.was_real)::double precision / nullif(sum(f.alerts - f.open), 0) AS "${share_real}",
       sum(f.was_false)::double precision / nullif(sum(f.alerts - f.open), 0) AS "${share_false}",
       sum(f.false_night_pages)::double precision / nullif(max(f.days), 0) AS "${false_nights}"
  FROM grafana.alert_figures($__timeFrom()::timestamptz, $__timeTo()::timestamptz, false) f
 WHERE f.area IN (${area:sqlstring});

-- name: alerts_by_day
SELECT d.day AS time, d.area AS metric, d.alerts::double precision AS value
  FROM grafana.alert_days($__timeFrom()::timestamptz, $__timeTo()::timestamptz) d
 WHERE d.area IN (${area:sqlstring})
 ORDER BY 1, 2;

-- name: night_pages_by_day
SELECT d.day AS time, d.area AS metric, d.night_pages::double precision AS value
  FROM grafana.alert_days($__timeFrom()::timestamptz, $__timeTo()::timestamptz) d
 WHERE d.area IN (${area:sqlstring})
 ORDER BY 1, 2;

-- name: coverage
SELECT c.area AS "${area}", c.team AS "${team}",
       c.covered_hours / nullif(c.hours, 0) AS "${covered}",
       c.covered_night_hours / nullif(c.night_hours, 0) AS "${covered_nights}"
  FROM grafana.coverage($__timeFrom()::timestamptz, $__timeTo()::timestamptz) c
 WHERE c.area IN (${area:sqlstring})
 ORDER BY 1, 2;

-- name: silent
SELECT f.area AS "${area}", f.team AS "${team}", f.clients AS "${clients}",
       f.silent AS "${silent}", f.unheard AS "${unheard}", f.away AS "${away}"
  FROM grafana.client_figures($__timeTo()::timestamptz, ${by_team}) f
 WHERE f.area IN (${area:sqlstring})
 ORDER BY 1, 2;
