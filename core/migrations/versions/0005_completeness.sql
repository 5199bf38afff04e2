-- Completeness by day; bounds.
SELECT 1;
