-- Not which roles there are: an area's number in Grafana is all that a link needs.
GRANT USAGE ON SCHEMA grafana TO saimi_web;
GRANT SELECT (area, organisation) ON grafana.role TO saimi_web;

-- As before (0025), in one expression, which the planner puts in the place of the call: the score of
-- a month took a second and a half in calls. What is added before comparing rounds halves up.
CREATE OR REPLACE FUNCTION grafana.news2_points(metric text, value double precision, scale integer,
                                                oxygen boolean) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE metric
    WHEN 'respiratory_rate' THEN
        CASE WHEN value + 0.500001 < 9 THEN 3 WHEN value + 0.500001 < 12 THEN 1
             WHEN value + 0.500001 < 21 THEN 0 WHEN value + 0.500001 < 25 THEN 2 ELSE 3 END
    WHEN 'spo2' THEN CASE
        WHEN scale = 2 THEN
            CASE WHEN value + 0.500001 < 84 THEN 3 WHEN value + 0.500001 < 86 THEN 2
                 WHEN value + 0.500001 < 88 THEN 1
                 WHEN value + 0.500001 < 93 OR oxygen IS NOT TRUE THEN 0
                 WHEN value + 0.500001 < 95 THEN 1 WHEN value + 0.500001 < 97 THEN 2 ELSE 3 END
        ELSE CASE WHEN value + 0.500001 < 92 THEN 3 WHEN value + 0.500001 < 94 THEN 2
                  WHEN value + 0.500001 < 96 THEN 1 ELSE 0 END END
    WHEN 'oxygen_flow' THEN CASE WHEN value > 0 THEN 2 ELSE 0 END
    WHEN 'systolic' THEN
        CASE WHEN value + 0.500001 < 91 THEN 3 WHEN value + 0.500001 < 101 THEN 2
             WHEN value + 0.500001 < 111 THEN 1 WHEN value + 0.500001 < 220 THEN 0 ELSE 3 END
    WHEN 'pulse' THEN
        CASE WHEN value + 0.500001 < 41 THEN 3 WHEN value + 0.500001 < 51 THEN 1
             WHEN value + 0.500001 < 91 THEN 0 WHEN value + 0.500001 < 111 THEN 1
             WHEN value + 0.500001 < 131 THEN 2 ELSE 3 END
    WHEN 'consciousness' THEN CASE WHEN value + 0.500001 < 1 THEN 0 ELSE 3 END
    WHEN 'temperature' THEN
        CASE WHEN value / 0.1::double precision + 0.500001 < 351 THEN 3
             WHEN value / 0.1::double precision + 0.500001 < 361 THEN 1
             WHEN value / 0.1::double precision + 0.500001 < 381 THEN 0
             WHEN value / 0.1::double precision + 0.500001 < 391 THEN 1 ELSE 2 END END
$$;
