-- What the desk decided of routing (alerts.decided).

-- name: routing_in_force()^
SELECT number, routing::text AS routing FROM alerts.routing_in_force;
