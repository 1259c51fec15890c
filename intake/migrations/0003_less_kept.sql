-- What a request says lies in one column and nowhere else. docs/SEND.md says what is kept where.

-- The server's statistics hold samples of columns, and outlive the rows that they are of.
ALTER TABLE intake.requests ALTER COLUMN content SET STATISTICS 0;

-- Needed only to join the same request to one that is not in Kafka yet.
ALTER TABLE intake.requests ALTER COLUMN fingerprint DROP NOT NULL;
UPDATE intake.requests SET fingerprint = NULL WHERE state = 'sent';
