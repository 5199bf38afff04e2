-- What the models remember of a subject (alerts/learned_memory.py): numbers of fixed layout, each
-- part with a mark of that layout. Parts change at different times, and are compressed by nothing.
CREATE TABLE alerts.learned (
    subject   integer PRIMARY KEY,
    looked_at timestamptz NOT NULL,          -- of the shared clock; not again within minutes
    signs     bytea NOT NULL,
    days      bytea,                         -- six weeks; changes once a day
    rooms     bytea                          -- of homes with sensors in their rooms
);
ALTER TABLE alerts.learned
    ALTER COLUMN signs SET STORAGE EXTERNAL,
    ALTER COLUMN days SET STORAGE EXTERNAL,
    ALTER COLUMN rooms SET STORAGE EXTERNAL;
