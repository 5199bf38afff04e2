-- What the web's roles may do. Functions are everybody's by default: these are not.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA audit, login, seen, ops FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION registry.may_see(integer, integer, timestamptz),
    registry.end_browser_of_others(text, integer, timestamptz),
    alerts.confirm(uuid, boolean, timestamptz),
    telemetry.enter_readings(integer, integer, timestamptz, timestamptz, timestamptz, smallint[],
                             float8[]) FROM PUBLIC;

GRANT USAGE ON SCHEMA login TO saimi_login;
GRANT EXECUTE ON FUNCTION login.member(text), login.start_session(text, integer, interval)
   TO saimi_login;

GRANT USAGE ON SCHEMA registry, telemetry, alerts, audit, ops, seen TO saimi_web;
GRANT SELECT ON public.schema_version, ops.clock, ops.queues, ops.completeness TO saimi_web;
GRANT SELECT, INSERT, UPDATE ON ops.heartbeat TO saimi_web;

-- Who is asking
GRANT EXECUTE ON FUNCTION audit.act_for(text[]), audit.members(), audit.is_desk(),
    audit.sees(integer), audit.sees_home(integer), audit.sees_gateway(integer),
    audit.sees_episode(bigint), audit.gather(integer[]), audit.gathered(),
    audit.gathered_homes(),
    audit.find_session(text, interval), audit.touch_sessions(text[]), audit.end_session(text),
    audit.looked_lately(integer), ops.now(), seen.by_member(integer[]),
    registry.may_see(integer, integer, timestamptz),
    registry.end_browser_of_others(text, integer, timestamptz),
    alerts.confirm(uuid, boolean, timestamptz),
    telemetry.enter_readings(integer, integer, timestamptz, timestamptz, timestamptz, smallint[],
                             float8[])
   TO saimi_web;
GRANT SELECT ON ALL TABLES IN SCHEMA seen TO saimi_web;

-- No secret, and about nobody at home
GRANT SELECT ON registry.area, registry.team, registry.team_area, registry.team_member,
    registry.shift, registry.acting, registry.carer, telemetry.metric TO saimi_web;
GRANT SELECT (id, username, display_name, role, language, disabled_at), UPDATE (language)
   ON registry.member TO saimi_web;

-- By row
GRANT SELECT ON registry.subject, registry.client, registry.client_limit, registry.pause,
    registry.care_relationship, registry.assignment, registry.home, registry.gateway,
    registry.device, telemetry.gateway_status TO saimi_web;
GRANT SELECT, INSERT, UPDATE ON registry.member_channel TO saimi_web;
GRANT SELECT ON alerts.episode TO saimi_web;
GRANT UPDATE (acknowledged_at, acknowledged_by, acknowledged_until, closed_at, closed_by, outcome,
              note, changed_at, version) ON alerts.episode TO saimi_web;
GRANT SELECT, INSERT ON alerts.episode_event TO saimi_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON alerts.timer TO saimi_web;
GRANT SELECT, INSERT, UPDATE ON alerts.outbox TO saimi_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON alerts.action, alerts.alone TO saimi_web;
GRANT INSERT ON audit.access TO saimi_web;
