-- Readings that were refused, since nothing bounded their times.
ALTER TABLE telemetry.device_clock ADD COLUMN refused bigint NOT NULL DEFAULT 0;
