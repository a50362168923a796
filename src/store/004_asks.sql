-- The press that approved a request for once, until everybody has been told what became of it: a
-- process that dies in between leaves it to the next one.
ALTER TABLE requests ADD COLUMN press INTEGER;

-- How often somebody has asked of late.
CREATE INDEX requests_by_person ON requests (user_id, asked);
