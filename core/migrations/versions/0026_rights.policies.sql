-- Row-level security of the registry and the alerts: for the web's role alone; the owner, as which
-- ingest, the alert engine and operators' commands connect, is not held by it.

ALTER TABLE registry.subject ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.subject FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()) OR coalesce((SELECT audit.gathered()) @> id, audit.sees(id)));

ALTER TABLE registry.client ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.client FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered()) @> subject, audit.sees(subject)));

ALTER TABLE registry.client_limit ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.client_limit FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered()) @> subject, audit.sees(subject)));

ALTER TABLE registry.pause ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.pause FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered()) @> subject, audit.sees(subject)));

ALTER TABLE registry.care_relationship ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.care_relationship FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered()) @> subject, audit.sees(subject)));

ALTER TABLE registry.assignment ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.assignment FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered()) @> subject, audit.sees(subject)));

-- A home, and what stands in it: who sees one who lives there, or the home itself.
ALTER TABLE registry.home ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.home FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered_homes()) @> id, audit.sees_home(id)));

ALTER TABLE registry.gateway ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.gateway FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered_homes()) @> home, audit.sees_home(home)));

ALTER TABLE registry.device ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON registry.device FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()) OR audit.sees_gateway(gateway));

ALTER TABLE telemetry.gateway_status ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON telemetry.gateway_status FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()) OR audit.sees_gateway(gateway));

-- Staff know one another; a member changes their own row, and how they are reached.
ALTER TABLE registry.member ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone ON registry.member FOR SELECT TO saimi_web USING (true);
CREATE POLICY own ON registry.member FOR UPDATE TO saimi_web
 USING (id = ANY ((SELECT audit.members())::integer[]));

ALTER TABLE registry.member_channel ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON registry.member_channel TO saimi_web
 USING (member = ANY ((SELECT audit.members())::integer[]));

-- Alerts, and what belongs to one.
ALTER TABLE alerts.episode ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON alerts.episode TO saimi_web
 USING ((SELECT audit.is_desk())
        OR coalesce((SELECT audit.gathered()) @> subject, audit.sees(subject)));

ALTER TABLE alerts.episode_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON alerts.episode_event FOR SELECT TO saimi_web
 USING ((SELECT audit.is_desk()) OR audit.sees_episode(episode));
-- What a member does is theirs; and they may call another.
CREATE POLICY own ON alerts.episode_event FOR INSERT TO saimi_web
 WITH CHECK ((member = ANY ((SELECT audit.members())::integer[]) OR what = 'called')
             AND ((SELECT audit.is_desk()) OR audit.sees_episode(episode)));

ALTER TABLE alerts.timer ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON alerts.timer TO saimi_web
 USING ((SELECT audit.is_desk()) OR audit.sees_episode(episode));

ALTER TABLE alerts.outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON alerts.outbox TO saimi_web
 USING ((SELECT audit.is_desk()) OR audit.sees_episode(episode));

-- What a member's phone asked for, and their timer while they are alone.
ALTER TABLE alerts.action ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON alerts.action TO saimi_web
 USING (member = ANY ((SELECT audit.members())::integer[]));
ALTER TABLE alerts.alone ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON alerts.alone TO saimi_web
 USING (member = ANY ((SELECT audit.members())::integer[]));

-- The record of looks. A page may be closed before its look is written, a moment later.
CREATE FUNCTION audit.looked_lately(of_member integer) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN of_member = ANY (audit.members())
        OR EXISTS (SELECT FROM audit.session s
                    WHERE s.member = of_member
                      AND s.seen_at > clock_timestamp() - interval '1 hour');
END $$;
ALTER TABLE audit.access ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON audit.access FOR INSERT TO saimi_web
 WITH CHECK (audit.looked_lately(member));

ALTER TABLE ops.heartbeat ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone ON ops.heartbeat FOR SELECT TO saimi_web USING (true);
CREATE POLICY own ON ops.heartbeat TO saimi_web USING (service = 'web');
