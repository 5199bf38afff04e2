-- The truth of a run (SQLite); docs/ledger.md describes it for readers.

-- name: create_ledger#
CREATE TABLE IF NOT EXISTS message (
    id           INTEGER PRIMARY KEY,
    gateway      TEXT NOT NULL,
    boot         TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    source       TEXT NOT NULL,        -- format, as on the topic
    published_us INTEGER,              -- real time of the first publish; null: not published yet
    given_up_us  INTEGER,              -- real time at which the gateway gave it up; null: it did not
    UNIQUE (gateway, boot, seq)
);
CREATE TABLE IF NOT EXISTS series (
    id      INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    device  TEXT NOT NULL,
    metric  TEXT NOT NULL,
    UNIQUE (gateway, device, metric)
);
CREATE TABLE IF NOT EXISTS reading (
    series   INTEGER NOT NULL REFERENCES series,
    time_us  INTEGER NOT NULL,         -- the device's time
    message  INTEGER NOT NULL REFERENCES message,
    position INTEGER NOT NULL,         -- in the message, from 0
    value    REAL,                     -- as sent, in the unit it was sent in; null: a text
    qualifier INTEGER NOT NULL,        -- -1 below, 1 above what the device can measure, else 0
    PRIMARY KEY (series, time_us, message, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS label (
    client  TEXT NOT NULL,             -- reference in the registry document
    gateway TEXT NOT NULL,
    kind    TEXT NOT NULL,             -- name of the illness, or metric of the event
    what    TEXT NOT NULL,             -- onset, first_sign, crisis, recovered; event
    time_us INTEGER NOT NULL,
    PRIMARY KEY (client, kind, what, time_us)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fault (
    kind     TEXT NOT NULL,            -- as in fault files
    gateway  TEXT NOT NULL,
    device   TEXT NOT NULL,            -- by its right name; empty: the gateway itself
    start_us INTEGER NOT NULL,
    end_us   INTEGER NOT NULL,
    PRIMARY KEY (kind, gateway, device, start_us, end_us)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heard (
    gateway   TEXT NOT NULL,
    key       TEXT NOT NULL,           -- the same for a repeat
    what      TEXT NOT NULL,           -- help_coming, call_coming
    text      TEXT NOT NULL,           -- as shown or spoken
    language  TEXT NOT NULL,
    is_repeat INTEGER NOT NULL,        -- as the message says
    heard_us  INTEGER NOT NULL         -- real time
);
PRAGMA user_version = 2;

-- name: format_of^
SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema);

-- name: last_message$
SELECT coalesce(max(id), 0) FROM message;

-- name: all_series
SELECT id, gateway, device, metric FROM series;

-- name: add_series*!
INSERT INTO series (id, gateway, device, metric) VALUES (?, ?, ?, ?);

-- name: add_messages*!
INSERT INTO message (id, gateway, boot, seq, source, published_us) VALUES (?, ?, ?, ?, ?, ?);

-- name: add_readings*!
INSERT INTO reading (series, time_us, message, position, value, qualifier)
VALUES (?, ?, ?, ?, ?, ?);

-- name: set_published*!
UPDATE message SET published_us = ?
 WHERE gateway = ? AND boot = ? AND seq = ? AND published_us IS NULL;

-- name: set_given_up*!
UPDATE message SET given_up_us = ?
 WHERE gateway = ? AND boot = ? AND seq = ? AND given_up_us IS NULL;

-- name: messages_given_up
SELECT gateway, boot, seq, given_up_us, published_us IS NOT NULL FROM message
 WHERE given_up_us IS NOT NULL ORDER BY id;

-- name: add_faults*!
INSERT OR IGNORE INTO fault (kind, gateway, device, start_us, end_us) VALUES (?, ?, ?, ?, ?);

-- name: faults
SELECT kind, gateway, device, start_us, end_us FROM fault
 ORDER BY start_us, end_us, kind, gateway, device;

-- name: add_labels*!
INSERT OR IGNORE INTO label (client, gateway, kind, what, time_us) VALUES (?, ?, ?, ?, ?);

-- name: add_heard!
INSERT INTO heard (gateway, key, what, text, language, is_repeat, heard_us)
VALUES (:gateway, :key, :what, :text, :language, :is_repeat, :heard_us);

-- name: heard
SELECT gateway, key, what, text, language, is_repeat, heard_us FROM heard ORDER BY rowid;

-- name: published_count$
SELECT count(*) FROM message WHERE published_us IS NOT NULL;

-- name: published_readings
SELECT m.gateway, m.boot, m.seq, s.device, s.metric, r.time_us, r.value, m.published_us, r.qualifier
  FROM reading r
  JOIN message m ON m.id = r.message AND m.published_us IS NOT NULL
  JOIN series s ON s.id = r.series
 ORDER BY r.series, r.time_us, r.message, r.position;

-- name: published_messages
SELECT gateway, boot, seq, published_us, source FROM message
 WHERE published_us IS NOT NULL ORDER BY id;

-- name: first_published$
SELECT min(m.published_us)
  FROM series s
  JOIN reading r ON r.series = s.id AND r.time_us = :time_us
  JOIN message m ON m.id = r.message
 WHERE s.gateway = :gateway AND s.device = :device AND s.metric = :metric;

-- name: labels
SELECT client, gateway, kind, what, time_us FROM label ORDER BY time_us, client, what;
