-- name: server_info()^
-- Versions and edition; the licence setting exists only where the extension is loaded.
SELECT current_setting('server_version') AS postgresql,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb,
       current_setting('timescaledb.license', true) AS license;

-- name: has_version()$
SELECT to_regclass('public.schema_version') IS NOT NULL;

-- name: version()$
SELECT version_num FROM public.schema_version;

-- name: read_clock()^
SELECT wall_anchor, anchor, factor FROM ops.clock;

-- name: latest_time()$
-- The latest moment this database has lived through, by the shared clock.
SELECT greatest((SELECT max(heard_at) FROM telemetry.gateway_status),
                (SELECT max(changed_at) FROM alerts.episode),
                (SELECT max(assessed_at) FROM alerts.subject_state));

-- name: latest_beat()$
-- When any service was last alive (wall time): the shared clock was read until then at least.
SELECT max(wall_at) FROM ops.heartbeat;

-- name: write_clock(wall_anchor, anchor, factor)!
INSERT INTO ops.clock (wall_anchor, anchor, factor) VALUES (:wall_anchor, :anchor, :factor)
ON CONFLICT (singleton) DO UPDATE
   SET wall_anchor = excluded.wall_anchor, anchor = excluded.anchor, factor = excluded.factor;

-- name: beat(service, instance, wall_at, detail)!
INSERT INTO ops.heartbeat (service, instance, wall_at, detail)
VALUES (:service, :instance, :wall_at, :detail)
ON CONFLICT (service, instance) DO UPDATE
   SET wall_at = excluded.wall_at, detail = excluded.detail;

-- name: last_beat(service)$
-- When any instance of a service was last alive (wall time).
SELECT max(wall_at) FROM ops.heartbeat WHERE service = :service;

-- name: write_metrics(id, name, kind, unit, loinc, mdc, low, high, validity_h, decimals, never_filtered)*!
INSERT INTO telemetry.metric (id, name, kind, unit, loinc, mdc, possible_low, possible_high,
                              validity, decimals, never_filtered)
VALUES (:id, :name, :kind, :unit, :loinc, :mdc, :low, :high,
        make_interval(hours => :validity_h), :decimals, :never_filtered)
ON CONFLICT (id) DO UPDATE
   SET name = excluded.name, kind = excluded.kind, unit = excluded.unit, loinc = excluded.loinc,
       mdc = excluded.mdc, possible_low = excluded.possible_low,
       possible_high = excluded.possible_high, validity = excluded.validity,
       decimals = excluded.decimals, never_filtered = excluded.never_filtered;
