-- For people who look up who was given what: a grant's own action is the rights that it gave.
CREATE INDEX audit_of_access ON audit (seq)
    WHERE event IN ('approved', 'declined', 'granted', 'revoked', 'ended', 'locked', 'unlocked')
       OR action IN ('access', 'access.grant', 'access.revoke', 'access.lockdown', 'access.list',
                     'access.why', 'decide');
