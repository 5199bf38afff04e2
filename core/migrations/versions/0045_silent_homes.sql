-- Which homes an outage has silenced: for the desk, which sees the county as a whole.
ALTER TABLE alerts.lost_gateway ENABLE ROW LEVEL SECURITY;
CREATE POLICY desk ON alerts.lost_gateway FOR SELECT TO saimi_web USING ((SELECT audit.is_desk()));
GRANT SELECT ON alerts.lost_gateway TO saimi_web;
