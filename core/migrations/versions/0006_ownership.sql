-- Whose readings are.
SELECT 1;
