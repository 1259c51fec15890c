-- What public bodies asked for. docs/decisions/0027 says why it is so.

-- A request, from the moment its keys are reserved. `reserved`: Kafka may not have it yet; `sent`:
-- Kafka confirmed it. The body is removed when its time is over; the rest holds nothing personal.
CREATE TABLE intake.requests (
    endpoint text NOT NULL,
    body text NOT NULL,
    id text NOT NULL,
    group_name text, -- of the body; NULL: none
    state text NOT NULL CHECK (state IN ('reserved', 'sent')),
    callback_id text NOT NULL,
    received_at timestamptz NOT NULL,
    reserved_at timestamptz NOT NULL DEFAULT now(), -- by this server's clock, for the relay
    principal text NOT NULL,
    traceparent text NOT NULL,
    fingerprint bytea NOT NULL, -- SHA-256 of the content: the same request again is joined
    content bytea,
    -- Begins with the body, so what is another's is looked for like what there is not.
    PRIMARY KEY (endpoint, body, id)
) WITH (fillfactor = 80);
CREATE INDEX ON intake.requests (reserved_at) WHERE state = 'reserved';
CREATE INDEX ON intake.requests (received_at) WHERE content IS NOT NULL;

-- What may be used once, as digests: protocol number with token, and the notice of a creditor.
CREATE TABLE intake.reservations (
    digest bytea PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('protocol', 'notice')),
    endpoint text NOT NULL,
    body text NOT NULL,
    request_id text NOT NULL
);
