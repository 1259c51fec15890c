-- Which files requests name, so that the janitor removes no file that somebody needs.
-- docs/decisions/0026 says why it is so. Rows come with the request, in its transaction.
CREATE TABLE intake.named_files (
    endpoint text NOT NULL,
    body text NOT NULL,
    key text NOT NULL, -- ours: PN_…; the names of the sender's files are not stored
    request_id text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (endpoint, body, key, request_id)
);
CREATE INDEX ON intake.named_files (endpoint, received_at);
