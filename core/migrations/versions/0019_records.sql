-- What a client's record must hold for rules to be safe, as core.record.Record says.
ALTER TABLE registry.client ADD COLUMN record jsonb NOT NULL DEFAULT '{}';
