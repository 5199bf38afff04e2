-- Changes of rules that were proposed (alerts.proposals).

-- name: add_proposal(username, now, wall_at, why, rules, models, changes, report, markdown)$
INSERT INTO alerts.rule_proposal
       (member, proposed_at, wall_at, why, rules, models, changes, report, markdown)
SELECT id, :now, :wall_at, :why, :rules, :models, :changes, :report, :markdown
  FROM registry.member WHERE username = :username AND disabled_at IS NULL
RETURNING id;

-- name: proposals()
SELECT p.id, m.username, p.proposed_at, p.why, cardinality(p.changes) AS changes, p.models,
       p.report
  FROM alerts.rule_proposal p
  JOIN registry.member m ON m.id = p.member
 ORDER BY p.id DESC;

-- name: proposal(id)^
SELECT p.id, m.username, p.proposed_at, p.why, p.rules, p.models, p.changes, p.report, p.markdown
  FROM alerts.rule_proposal p
  JOIN registry.member m ON m.id = p.member
 WHERE p.id = :id;
