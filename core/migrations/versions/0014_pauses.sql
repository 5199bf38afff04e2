-- What is not expected of a client, or of a home and everybody in it, for a time that ends. What is
-- never filtered is never paused.
CREATE TABLE registry.pause (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject    integer NOT NULL REFERENCES registry.subject CHECK (subject <> 0),
    kind       text NOT NULL CHECK (kind IN ('hospital', 'holiday', 'guests')),
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL CHECK (isfinite(until)),
    during     tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(since, until)) STORED,
    set_by     integer REFERENCES registry.member,   -- null: an import, or an operator
    set_at     timestamptz NOT NULL,
    ended_by   integer REFERENCES registry.member,   -- who ended it before its time
    ended_at   timestamptz,                          -- null: it ends, or ended, as it was set
    changed_at timestamptz NOT NULL,
    -- Empty where it was taken back before it began.
    CHECK (until BETWEEN since AND since + interval '1440 hours'),
    -- Kinds as numbers, since an embedded server has no btree_gist to compare texts in GiST.
    EXCLUDE USING gist (
        int4range(subject, subject, '[]') WITH =,
        int4range(array_position('{hospital,holiday,guests}'::text[], kind),
                  array_position('{hospital,holiday,guests}'::text[], kind), '[]') WITH =,
        during WITH &&)
);
CREATE INDEX ON registry.pause (subject);
CREATE INDEX ON registry.pause (until);
