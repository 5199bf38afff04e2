-- name: foreign_home(homes)$
-- A home of somebody else's, in a database where the demo was never played.
SELECT name FROM registry.home
 WHERE NOT EXISTS (SELECT FROM registry.home WHERE name = ANY (:homes::text[]))
 LIMIT 1;
