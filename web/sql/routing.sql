-- Whom to call, how soon and by what: as the desk sets it.

-- name: change_routing(action, seen, wanted, was, why)$
SELECT alerts.change_routing(:action, :seen, :wanted::jsonb, :was::jsonb, :why);

-- name: routing_changes(count)
SELECT c.at, c.what, c.detail, c.why, m.display_name AS by
  FROM audit.change c LEFT JOIN registry.member m ON m.id = c.member
 WHERE c.what IN ('routing', 'team')
 ORDER BY c.id DESC LIMIT :count;

-- name: areas_named()
SELECT id, name FROM registry.area ORDER BY name, id;

-- name: teams_routed()
-- Every team with what the desk may set of it, and how many members it has.
SELECT t.id, t.name, t.service, t.base, registry.team_routing(t.id) AS routing,
       (SELECT count(*) FROM registry.team_member tm
          JOIN registry.member m ON m.id = tm.member AND m.disabled_at IS NULL
         WHERE tm.team = t.id) AS members
  FROM registry.team t ORDER BY t.name, t.id;

-- name: team_routed(team)^
SELECT t.id, t.name, t.service, t.base, routing, md5(routing::text) AS digest
  FROM registry.team t, registry.team_routing(t.id) routing
 WHERE t.id = :team;

-- name: change_team(action, team, was, wanted, why)$
SELECT registry.change_team(:action, :team, :was, :wanted::jsonb, :why);
