-- Most notes are of vital signs and movement, of which the newest value alone says how somebody is.
-- Calls, weights, doses and the like are looked up one by one: only where a note may hold any.
ALTER TABLE telemetry.note ADD COLUMN each_counts boolean NOT NULL DEFAULT true;
