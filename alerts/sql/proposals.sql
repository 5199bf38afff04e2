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

-- name: may_judge(lock)$
-- Whether this connection is the one that judges; it is so until it ends.
SELECT pg_try_advisory_lock(:lock);

-- name: next_request()^
-- What waits longest to be judged, and who asked for it.
SELECT r.id, m.username, r.rules, r.judged_against, r.days, r.why
  FROM alerts.rule_request r
  JOIN registry.member m ON m.id = r.member
 WHERE NOT EXISTS (SELECT FROM alerts.rule_request_end e WHERE e.request = r.id)
 ORDER BY r.id LIMIT 1;

-- name: end_request(request, now, wall_at, proposal, failure)!
INSERT INTO alerts.rule_request_end (request, ended_at, wall_at, proposal, failure)
VALUES (:request, :now, :wall_at, :proposal, :failure);

-- name: first_reading()$
SELECT min(time) FROM telemetry.reading;
