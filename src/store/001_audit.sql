-- Who did what, as events that are only ever added: a refusal stands alone, an act is opened before
-- Proxmox is asked, given its UPID when Proxmox has answered, and closed when the end was seen.
CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    event       TEXT    NOT NULL CHECK (event IN ('refused', 'opened', 'sent', 'closed')),
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
    public      INTEGER,
    upid        TEXT,
    outcome     TEXT,
    detail      TEXT
) STRICT;

-- One interaction acts once, whatever happens on the way.
CREATE UNIQUE INDEX audit_acts_once ON audit (interaction) WHERE event = 'opened';
CREATE UNIQUE INDEX audit_closes_once ON audit (entry) WHERE event = 'closed';
CREATE INDEX audit_entry ON audit (entry) WHERE entry IS NOT NULL;

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END;
