-- One interaction acts once on a guest, and that is what has a rule. What came to nothing before
-- Proxmox was asked has none: a press with two steps may have acted in the first and failed in the
-- second.
DROP INDEX audit_acts_once;
CREATE UNIQUE INDEX audit_acts_once ON audit (interaction, coalesce(cluster, ''), coalesce(vmid, 0))
    WHERE event = 'opened' AND rule IS NOT NULL;
