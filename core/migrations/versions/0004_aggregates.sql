-- Hourly and daily aggregates.
SELECT 1;
