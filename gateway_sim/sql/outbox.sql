-- The gateways' store (SQLite): what is not yet known to be in the database for good.

-- name: create_outbox#
CREATE TABLE IF NOT EXISTS boot (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    gateway TEXT NOT NULL,
    boot    TEXT NOT NULL,
    UNIQUE (gateway, boot)
);
CREATE TABLE IF NOT EXISTS message (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- ids are given out in order of storing
    boot     INTEGER NOT NULL REFERENCES boot,
    seq      INTEGER NOT NULL,
    gateway  TEXT NOT NULL,
    lane     INTEGER NOT NULL,                  -- 0 life-safety, 1 live, 2 history
    payload  BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS message_seq ON message (boot, seq);
CREATE INDEX IF NOT EXISTS message_order ON message (gateway, lane, id);
CREATE TABLE IF NOT EXISTS mark (
    name  TEXT PRIMARY KEY,
    value REAL NOT NULL
);

-- name: forget_spent_boots!
DELETE FROM boot WHERE number NOT IN (SELECT boot FROM message);

-- name: add_boot<!
INSERT INTO boot (gateway, boot) VALUES (:gateway, :boot);

-- name: boots
SELECT number, gateway, boot FROM boot;

-- name: waiting_lanes
SELECT gateway, lane, count(*) FROM message GROUP BY gateway, lane;

-- name: add_messages*!
INSERT INTO message (id, boot, seq, gateway, lane, payload)
VALUES (:id, :boot, :seq, :gateway, :lane, :payload);

-- name: last_id$
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'message'), 0);

-- name: load_lane
SELECT id, boot, seq, payload FROM message
 WHERE gateway = :gateway AND lane = :lane AND id > :after ORDER BY id LIMIT :limit;

-- name: forget_range
DELETE FROM message WHERE boot = :boot AND seq BETWEEN :first AND :last RETURNING id, lane;

-- name: drop_oldest
DELETE FROM message WHERE id IN (
    SELECT id FROM message WHERE gateway = :gateway AND lane > 0
     ORDER BY lane DESC, id LIMIT :excess
) RETURNING id, lane, boot, seq;

-- name: set_mark!
INSERT INTO mark (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: get_mark$
SELECT value FROM mark WHERE name = :name;
