-- The team's dashboard: who needs somebody today. The moment is the end of the range.

-- name: areas
SELECT DISTINCT area_name AS __text, area AS __value FROM grafana.client ORDER BY 1;

-- name: teams
SELECT DISTINCT c.team AS __text
  FROM grafana.care c JOIN grafana.client k ON k.client = c.client
 WHERE k.area IN (${area:sqlstring})
 ORDER BY 1;

-- name: of_team
-- Part of the others: the team's clients at the moment.
WITH mine AS (
    SELECT k.client, k.area, k.heard_at
      FROM grafana.client k
     WHERE k.area IN (${area:sqlstring})
       AND k.client IN (SELECT c.client FROM grafana.care c
                         WHERE c.team IN (${team:sqlstring}) AND c.during @> $__timeTo()::timestamptz))

-- name: open_count
${of_team}
SELECT count(*) AS "${open_alerts}",
       count(*) FILTER (WHERE a.acknowledged_at IS NULL) AS "${waiting}",
       count(*) FILTER (WHERE a.highest = 4) AS "${emergencies}"
  FROM grafana.alert a JOIN mine m ON m.client = a.client
 WHERE a.calls AND NOT a.inhibited AND a.opened_at <= $__timeTo()::timestamptz
   AND (a.closed_at IS NULL OR a.closed_at > $__timeTo()::timestamptz);

-- name: client_count
${of_team}
SELECT count(*) AS "${clients}",
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM grafana.alert a
            WHERE a.client = m.client AND a.kind = 'silence'
              AND a.opened_at <= $__timeTo()::timestamptz
              AND coalesce(a.cleared_at, a.closed_at, 'infinity') > $__timeTo()::timestamptz))
           AS "${silent}",
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM grafana.pause p
            WHERE p.client = m.client AND p.kind <> 'guests'
              AND $__timeTo()::timestamptz >= p.since AND $__timeTo()::timestamptz < p.until))
           AS "${away}"
  FROM mine m;

-- name: open_alerts
${of_team}
SELECT a.client AS "${client}", a.kind AS "${kind}", a.severity AS "${severity}",
       a.opened_at AS "${opened}", a.acknowledged_at AS "${acknowledged}",
       extract(epoch FROM $__timeTo()::timestamptz - a.opened_at)::double precision AS "${age}",
       a.pages AS "${pages}", a.inhibited AS "${explained}", a.id AS "${alert}"
  FROM grafana.alert a JOIN mine m ON m.client = a.client
 WHERE a.opened_at <= $__timeTo()::timestamptz
   AND (a.closed_at IS NULL OR a.closed_at > $__timeTo()::timestamptz)
 ORDER BY a.severity DESC, a.opened_at;

-- name: day
-- Every alert of the range with what became of it: the rows behind the county's figures.
${of_team}
SELECT a.opened_at AS "${opened}", a.client AS "${client}", a.kind AS "${kind}",
       a.highest AS "${severity}", a.acknowledge_s AS "${to_acknowledge}",
       a.contact_s AS "${to_contact}", a.close_s AS "${to_close}", a.outcome AS "${outcome}",
       a.pages AS "${pages}", a.night_pages AS "${night_pages}", a.id AS "${alert}"
  FROM grafana.alert a JOIN mine m ON m.client = a.client
 WHERE $__timeFilter(a.opened_at)
 ORDER BY 1 DESC
 LIMIT 5000;

-- name: team_visits
${of_team}
SELECT v.at AS "${visited}", v.client AS "${client}", v.kind AS "${kind}", v.how AS "${what}", v.alert AS "${alert}"
  FROM grafana.visit v JOIN mine m ON m.client = v.client
 WHERE $__timeFilter(v.at)
 ORDER BY 1 DESC
 LIMIT 5000;

-- name: clients_heard
${of_team}
SELECT m.client AS "${client}", m.heard_at AS "${heard}",
       coalesce(a.open, 0) AS "${open_alerts}", coalesce(a.week, 0) AS "${alerts_7d}"
  FROM mine m
  LEFT JOIN (SELECT client, count(*) FILTER (WHERE closed_at IS NULL) AS open,
                    count(*) FILTER (WHERE opened_at > $__timeTo()::timestamptz - INTERVAL '7 days')
                        AS week
               FROM grafana.alert
              WHERE calls AND (closed_at IS NULL
                               OR opened_at > $__timeTo()::timestamptz - INTERVAL '7 days')
              GROUP BY client) a ON a.client = m.client
 ORDER BY coalesce(a.open, 0) DESC, m.heard_at NULLS FIRST, m.client
 LIMIT 2000;

-- name: duty
SELECT c.team AS "${team}", c.covered_hours / nullif(c.hours, 0) AS "${covered}",
       c.covered_night_hours / nullif(c.night_hours, 0) AS "${covered_nights}"
  FROM grafana.coverage($__timeFrom()::timestamptz, $__timeTo()::timestamptz) c
 WHERE c.area IN (${area:sqlstring}) AND c.team IN (${team:sqlstring})
 ORDER BY 1;
