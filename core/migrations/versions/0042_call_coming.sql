-- To the home that wished for a call: somebody has it and will ring.
ALTER TABLE alerts.outbox DROP CONSTRAINT outbox_what_check;
ALTER TABLE alerts.outbox ADD CONSTRAINT outbox_what_check
    CHECK (what IN ('page', 'reminder', 'stand_down', 'help_coming', 'call_coming', 'alone'));
