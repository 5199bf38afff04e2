-- Changes of rules that were proposed (alerts.proposals).

-- name: add_proposal(username, now, wall_at, why, rules, judged_against, models, changes, report, markdown)$
INSERT INTO alerts.rule_proposal
       (member, proposed_at, wall_at, why, rules, judged_against, models, changes, report,
        markdown)
SELECT id, :now, :wall_at, :why, :rules, :judged_against, :models, :changes, :report, :markdown
  FROM registry.member WHERE username = :username AND disabled_at IS NULL
RETURNING id;

-- name: proposals()
SELECT p.id, m.username, p.proposed_at, p.why, cardinality(p.changes) AS changes, p.models,
       p.report, d.outcome
  FROM alerts.rule_proposal p
  JOIN registry.member m ON m.id = p.member
  LEFT JOIN alerts.rule_decision d ON d.proposal = p.id
 ORDER BY p.id DESC;

-- name: proposal(id)^
SELECT p.id, m.username, p.proposed_at, p.why, p.rules, p.judged_against, p.models, p.changes,
       p.report, p.markdown, d.outcome
  FROM alerts.rule_proposal p
  JOIN registry.member m ON m.id = p.member
  LEFT JOIN alerts.rule_decision d ON d.proposal = p.id
 WHERE p.id = :id;

-- name: rules_decided(known)^
-- What the desk accepted last; the file itself where it is not the one that is known already.
SELECT proposal, CASE WHEN proposal IS DISTINCT FROM :known::integer THEN rules END AS rules
  FROM alerts.rules_in_force;
