-- What status topics say, and which stream gets what. docs/decisions/0025 says why it is so.

-- How far each partition has been projected. Rows and offset change in one transaction.
CREATE TABLE streams.sources (
    source integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    UNIQUE (topic, partition)
);

-- Every event under its place in Kafka: the same place whenever it is projected again. Each key
-- begins with the source or an endpoint, so the table may be partitioned by hash of the source.
CREATE TABLE streams.events (
    source integer NOT NULL,
    "offset" bigint NOT NULL,
    endpoint text NOT NULL,
    transaction_id text NOT NULL,
    id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    event json NOT NULL, -- json, not jsonb: it is served letter by letter as it was published
    PRIMARY KEY (source, "offset")
);
CREATE INDEX ON streams.events (endpoint, transaction_id, "offset");

-- The last event of each transaction.
CREATE TABLE streams.transactions (
    endpoint text NOT NULL,
    transaction_id text NOT NULL,
    source integer NOT NULL,
    "offset" bigint NOT NULL,
    native_status text NOT NULL,
    status text NOT NULL,
    final boolean NOT NULL,
    sequence integer NOT NULL,
    updated_at timestamptz NOT NULL,
    event json NOT NULL,
    -- SEND's: whose notification, and by which number the intake finds it.
    sender text GENERATED ALWAYS AS (event -> 'references' ->> 'sender') STORED,
    iun text GENERATED ALWAYS AS (event -> 'references' ->> 'iun') STORED,
    PRIMARY KEY (endpoint, transaction_id)
) WITH (fillfactor = 80);
CREATE INDEX ON streams.transactions (endpoint, sender, iun) WHERE iun IS NOT NULL;

CREATE VIEW streams.current_transactions AS
SELECT
    endpoint,
    transaction_id,
    native_status,
    status,
    final,
    sequence,
    nullif((event -> 'reason')::jsonb, 'null'::jsonb) AS reason,
    coalesce((event -> 'reasons')::jsonb, '[]'::jsonb) AS reasons,
    (event -> 'references')::jsonb AS "references",
    updated_at,
    sender,
    iun
FROM streams.transactions;

-- One row a stream. The projector holds its lock while it numbers events, so numbers are without
-- gaps and a higher one is never visible before a lower one.
CREATE TABLE streams.streams (
    id uuid PRIMARY KEY,
    owner text NOT NULL,
    version text NOT NULL,
    title text NOT NULL,
    event_type text NOT NULL CHECK (event_type IN ('STATUS', 'TIMELINE')),
    endpoints text[] NOT NULL,
    sender text, -- a public body of SEND; NULL for consumers, who see whole endpoints
    groups text[] NOT NULL DEFAULT '{}',
    filters text[] NOT NULL DEFAULT '{}',
    wait_for_accepted boolean NOT NULL DEFAULT false,
    activated_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    last_number bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX ON streams.streams (owner);

-- What its reader has done: apart from the stream, so that reading never waits for the projector.
CREATE TABLE streams.readings (
    stream_id uuid PRIMARY KEY,
    acknowledged bigint NOT NULL DEFAULT 0,
    purged bigint NOT NULL DEFAULT 0,
    not_before timestamptz
) WITH (fillfactor = 50);

-- Which events a stream holds, by reference: many streams may hold one event.
CREATE TABLE streams.stream_events (
    stream_id uuid NOT NULL,
    number bigint NOT NULL,
    source integer NOT NULL,
    "offset" bigint NOT NULL,
    changed boolean NOT NULL, -- whether the native status did
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream_id, number)
);

-- Streams that were deleted and whose events are still to be removed, batch by batch.
CREATE TABLE streams.removed (
    stream_id uuid PRIMARY KEY
);
