-- What one person lent to another and is not over yet. What is over stands in the audit alone.
CREATE TABLE grants (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     INTEGER NOT NULL,
    rights      TEXT    NOT NULL,
    cluster     TEXT    NOT NULL,
    vmid        INTEGER NOT NULL,
    guest_name  TEXT    NOT NULL,
    giver       INTEGER NOT NULL,
    giver_roles TEXT    NOT NULL,
    giver_guild INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    ends        INTEGER NOT NULL
) STRICT;

-- One row while nobody acts but people with access.
CREATE TABLE lockdown (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    by_user INTEGER NOT NULL,
    reason  TEXT,
    since   INTEGER NOT NULL
) STRICT;

-- What somebody asked for. Roles are not kept: they are looked up when it is decided.
CREATE TABLE requests (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    state      TEXT    NOT NULL CHECK (state IN
                 ('open', 'once', 'hour', 'tomorrow', 'no', 'lapsed', 'cancelled')),
    user_id    INTEGER NOT NULL,
    user_name  TEXT    NOT NULL,
    guild      INTEGER NOT NULL,
    channel    INTEGER NOT NULL,
    parent     INTEGER,
    power      TEXT    NOT NULL,
    cluster    TEXT    NOT NULL,
    vmid       INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    guest_name TEXT    NOT NULL,
    asked      INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    -- where the approvers were asked: [channel, message, recipient or null], as JSON
    letters    TEXT    NOT NULL DEFAULT '[]',
    decided_by INTEGER
) STRICT;

-- One open request per person, action and guest.
CREATE UNIQUE INDEX requests_open_once ON requests (user_id, power, cluster, vmid)
    WHERE state = 'open';
