-- Looks made out of reach are put on record afterwards: of what was handed out to be kept, and of
-- nothing else. The web's role writes that record and cannot read it, but for this.
CREATE FUNCTION audit.kept_subjects(of_episode bigint, since timestamptz)
RETURNS TABLE (subject integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT a.subject
      FROM audit.access a
     WHERE a.member = ANY (audit.members())
       AND a.what = 'kept' AND a.wall_at >= since
       AND (a.detail ->> 'episode')::bigint = of_episode
$$;
CREATE INDEX ON audit.access (member, wall_at) WHERE what = 'kept';
REVOKE ALL ON FUNCTION audit.kept_subjects(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.kept_subjects(bigint, timestamptz) TO saimi_web;
