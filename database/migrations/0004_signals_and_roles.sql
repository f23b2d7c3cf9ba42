-- Distribution to friends, and who may touch what.

-- owner: signals
CREATE TABLE subscribers (
    subscriber_id uuid PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    role          text NOT NULL CHECK (role IN ('subscriber', 'publisher')),
    filters       jsonb NOT NULL DEFAULT '{}',
    is_active     boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL
);

-- owner: signals
CREATE TABLE api_keys (
    key_id        uuid PRIMARY KEY,
    subscriber_id uuid NOT NULL REFERENCES subscribers (subscriber_id),
    key_hash      bytea NOT NULL UNIQUE,
    label         text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL,
    revoked_at    timestamptz
);

-- owner: signals
CREATE TABLE signals (
    seq           bigint PRIMARY KEY CHECK (seq > 0),
    signal_id     text NOT NULL UNIQUE,
    previous_hash text NOT NULL,
    hash          text NOT NULL UNIQUE,
    symbol        text NOT NULL REFERENCES securities (symbol),
    body          jsonb NOT NULL,
    published_at  timestamptz NOT NULL
);

-- owner: signals
CREATE TABLE deliveries (
    subscriber_id uuid NOT NULL REFERENCES subscribers (subscriber_id),
    seq           bigint NOT NULL REFERENCES signals (seq),
    delivered_at  timestamptz NOT NULL,
    PRIMARY KEY (subscriber_id, seq)
);

-- owner: signals
CREATE TABLE feedback (
    feedback_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscriber_id uuid NOT NULL REFERENCES subscribers (subscriber_id),
    seq           bigint NOT NULL REFERENCES signals (seq),
    action        text NOT NULL,
    fill_price    numeric(18, 8),
    quantity      integer,
    body          jsonb NOT NULL DEFAULT '{}',
    received_at   timestamptz NOT NULL
);

GRANT USAGE ON SCHEMA public TO catalyst_app, catalyst_readonly;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO catalyst_app, catalyst_readonly;
GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO catalyst_app;
-- The journals only grow.
REVOKE UPDATE ON events, alerts, executions, risk_decisions FROM catalyst_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO catalyst_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO catalyst_readonly;
