-- Device clocks.
SELECT 1;
