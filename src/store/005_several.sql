-- One interaction may act on several guests, on each of them once, whatever happens on the way.
DROP INDEX audit_acts_once;
CREATE UNIQUE INDEX audit_acts_once ON audit (interaction, coalesce(cluster, ''), coalesce(vmid, 0))
    WHERE event = 'opened';
