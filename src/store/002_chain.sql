-- Every entry carries the hash of the one before (`chain.rs` says of what), so that a change shows.
-- `CHECK` and `NOT NULL` cannot be changed in place: the table is made anew, and the entries of
-- version 1 are copied into it, each with its hash, before the old table is dropped.
DROP TRIGGER audit_never_changes;
DROP TRIGGER audit_never_shrinks;
DROP INDEX audit_acts_once;
DROP INDEX audit_closes_once;
DROP INDEX audit_entry;
ALTER TABLE audit RENAME TO audit_before;

CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    event       TEXT    NOT NULL CHECK (event IN (
                    'refused', 'opened', 'sent', 'closed', 'asked', 'approved', 'declined', 'lapsed',
                    'granted', 'revoked', 'ended', 'locked', 'unlocked', 'reloaded')),
    at_ms       INTEGER NOT NULL,
    -- the 'opened' event that a 'sent' or 'closed' belongs to
    entry       INTEGER REFERENCES audit (seq),
    interaction INTEGER,
    user_id     INTEGER,
    user_name   TEXT,
    guild       INTEGER,
    channel     INTEGER,
    action      TEXT,
    cluster     TEXT,
    vmid        INTEGER,
    kind        TEXT,
    node        TEXT,
    guest_name  TEXT,
    rule        TEXT,
    -- the rule whose limit an act counts for
    rule_key    INTEGER,
    -- who approved or decided
    approver    INTEGER,
    -- whom it concerns: who was given something, say
    subject     INTEGER,
    public      INTEGER,
    upid        TEXT,
    outcome     TEXT,
    -- until when what was given holds
    ends_ms     INTEGER,
    detail      TEXT,
    hash        BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- One interaction acts once, whatever happens on the way.
CREATE UNIQUE INDEX audit_acts_once ON audit (interaction) WHERE event = 'opened';
CREATE UNIQUE INDEX audit_closes_once ON audit (entry) WHERE event = 'closed';
CREATE INDEX audit_entry ON audit (entry) WHERE entry IS NOT NULL;
-- For people who look something up, among a million entries too.
CREATE INDEX audit_at ON audit (at_ms);
CREATE INDEX audit_by_person ON audit (user_id, seq) WHERE user_id IS NOT NULL;
CREATE INDEX audit_by_guest ON audit (cluster, vmid, seq) WHERE vmid IS NOT NULL;
CREATE INDEX audit_by_action ON audit (action, seq) WHERE action IS NOT NULL;
CREATE INDEX audit_refusals ON audit (seq) WHERE event = 'refused';

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;

-- How far something has come that must go on there after a restart.
CREATE TABLE marks (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
