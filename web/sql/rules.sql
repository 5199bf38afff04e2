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

-- name: ask_rules(action, rule, rules, judged_against, in_force, days, why)$
SELECT alerts.ask_rules(:action, :rule, :rules, :judged_against, :in_force, :days, :why);

-- name: requests_seen(count, since)
-- Changes that were asked for and wait to be judged, and those that lately could not be.
SELECT r.id, r.rule, r.asked_at, r.days, r.why, m.display_name AS by, e.ended_at, e.failure
  FROM alerts.rule_request r
  JOIN registry.member m ON m.id = r.member
  LEFT JOIN alerts.rule_request_end e ON e.request = r.id
 WHERE e.request IS NULL OR (e.failure IS NOT NULL AND e.ended_at >= :since::timestamptz)
 ORDER BY e.request IS NOT NULL, r.id DESC LIMIT :count;

-- name: judge_heard()$
-- When a judge was last alive (wall time).
SELECT max(wall_at) FROM ops.heartbeat WHERE service = 'judge';
