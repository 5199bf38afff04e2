-- Changes of rules that were proposed, and what the desk decided on them.

-- name: proposals_seen(count)
-- Those that wait first, else the newest.
SELECT p.id, p.proposed_at, p.why, p.models, cardinality(p.changes) AS changes,
       m.display_name AS by, d.outcome, d.decided_at, n.display_name AS decided_by,
       f.proposal IS NOT NULL AS in_force
  FROM alerts.rule_proposal p
  JOIN registry.member m ON m.id = p.member
  LEFT JOIN alerts.rule_decision d ON d.proposal = p.id
  LEFT JOIN registry.member n ON n.id = d.member
  LEFT JOIN alerts.rules_in_force f ON f.proposal = p.id
 ORDER BY d.proposal IS NOT NULL, coalesce(d.number, 0) DESC, p.id DESC LIMIT :count;

-- name: proposal_seen(proposal)^
SELECT p.id, p.member, p.proposed_at, p.why, p.rules, p.judged_against, p.models, p.changes,
       p.report, m.display_name AS by, d.outcome, d.decided_at, d.why AS decided_why,
       n.display_name AS decided_by, f.proposal IS NOT NULL AS in_force
  FROM alerts.rule_proposal p
  JOIN registry.member m ON m.id = p.member
  LEFT JOIN alerts.rule_decision d ON d.proposal = p.id
  LEFT JOIN registry.member n ON n.id = d.member
  LEFT JOIN alerts.rules_in_force f ON f.proposal = p.id
 WHERE p.id = :proposal;

-- name: decide_rules(action, proposal, outcome, in_force, why)$
SELECT alerts.decide_rules(:action, :proposal, :outcome, :in_force, :why);

-- name: subjects_named(pseudonyms)
SELECT s.id, s.pseudonym FROM registry.subject s WHERE s.pseudonym = ANY (:pseudonyms);
