-- Changes of rules or models that were proposed, each with the report that speaks for it. Kept whole:
-- the file that was judged is the one that may be put in force, whatever became of it on a disk.

CREATE TABLE alerts.rule_proposal (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member      integer NOT NULL REFERENCES registry.member,   -- who proposes it
    proposed_at timestamptz NOT NULL,        -- shared clock
    wall_at     timestamptz NOT NULL,
    why         text NOT NULL CHECK (length(why) BETWEEN 1 AND 2000),
    rules       text NOT NULL,               -- the rule file
    models      text,                        -- the folder of changed models; null: as in force
    changes     text[] NOT NULL,             -- in what the rules differ from those in force
    report      jsonb NOT NULL,              -- saimi backtest --json
    markdown    text NOT NULL                -- the same for people
);
