-- Enrolment.
SELECT 1;
