-- Verdicts, orders, fills, positions. The hard limits stand here once more, as constraints.

-- owner: risk-manager
CREATE TABLE risk_decisions (
    decision_id       uuid PRIMARY KEY,
    cycle_id          text NOT NULL REFERENCES trading_cycles (cycle_id),
    scan              integer,
    kind              text NOT NULL CHECK (kind IN ('order', 'validation')),
    verdict           text NOT NULL CHECK (verdict IN ('approved', 'refused')),
    symbol            text NOT NULL REFERENCES securities (symbol),
    side              text NOT NULL CHECK (side IN ('long', 'short')),
    client_order_id   text UNIQUE,
    quantity          integer CHECK (quantity > 0),
    reference_price   numeric(14, 4) CHECK (reference_price > 0),
    stop_price        numeric(14, 4) CHECK (stop_price > 0),
    take_profit_price numeric(14, 4) CHECK (take_profit_price > 0),
    expires_at        timestamptz,
    reason            text NOT NULL,
    risk_score        double precision NOT NULL CHECK (risk_score BETWEEN 0 AND 1),
    risk_amount       numeric(14, 2) NOT NULL,
    checks            jsonb NOT NULL,
    decided_at        timestamptz NOT NULL,
    CHECK (kind = 'validation' OR verdict = 'refused' OR (
        client_order_id IS NOT NULL AND quantity IS NOT NULL AND expires_at IS NOT NULL
        AND stop_price < reference_price AND reference_price < take_profit_price)),
    -- What an entry order must match, field by field.
    UNIQUE (decision_id, kind, verdict, client_order_id, symbol, quantity, stop_price, take_profit_price, expires_at)
);
CREATE INDEX risk_decisions_by_scan ON risk_decisions (cycle_id, scan);

-- owner: risk-manager
CREATE TABLE risk_events (
    risk_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_type    text NOT NULL,
    severity      text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    message       text NOT NULL,
    cycle_id      text REFERENCES trading_cycles (cycle_id),
    payload       jsonb NOT NULL DEFAULT '{}',
    occurred_at   timestamptz NOT NULL
);

-- owner: risk-manager
CREATE TABLE halts (
    halt_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason          text NOT NULL CHECK (length(reason) > 0),
    latched_at      timestamptz NOT NULL,
    flat_at         timestamptz,
    resume_after    timestamptz NOT NULL,
    released_at     timestamptz,
    released_reason text,
    CHECK ((released_at IS NULL) = (released_reason IS NULL))
);
CREATE UNIQUE INDEX one_active_halt ON halts ((true)) WHERE released_at IS NULL;

-- owner: risk-manager
CREATE TABLE alert_deliveries (
    alert_id        bigint NOT NULL REFERENCES alerts (alert_id),
    channel         text NOT NULL CHECK (channel IN ('email', 'webhook')),
    state           text NOT NULL CHECK (state IN ('sent', 'waiting', 'unaddressed')),
    attempts        integer NOT NULL DEFAULT 0,
    last_error      text,
    next_attempt_at timestamptz,
    delivered_at    timestamptz,
    PRIMARY KEY (alert_id, channel)
);

-- owner: trading
CREATE TABLE orders (
    order_id             uuid PRIMARY KEY,
    client_order_id      text NOT NULL UNIQUE CHECK (length(client_order_id) <= 128),
    broker_order_id      text UNIQUE,
    parent_order_id      uuid REFERENCES orders (order_id),
    cycle_id             text REFERENCES trading_cycles (cycle_id),
    symbol               text NOT NULL REFERENCES securities (symbol),
    side                 text NOT NULL CHECK (side IN ('buy', 'sell')),
    purpose              text NOT NULL
                         CHECK (purpose IN ('entry', 'take_profit', 'stop_loss', 'exit', 'protect', 'foreign')),
    type                 text NOT NULL CHECK (type IN ('market', 'limit', 'stop', 'stop_limit', 'trailing_stop')),
    order_class          text NOT NULL DEFAULT 'simple',
    status               text NOT NULL,
    quantity             integer NOT NULL CHECK (quantity > 0),
    filled_quantity      integer NOT NULL DEFAULT 0 CHECK (filled_quantity BETWEEN 0 AND quantity),
    filled_average_price numeric(18, 8),
    -- Of what the broker says is filled, how much stands in executions; the order is settled when the two agree.
    booked_quantity      integer NOT NULL DEFAULT 0 CHECK (booked_quantity BETWEEN 0 AND filled_quantity),
    limit_price          numeric(14, 4) CHECK (limit_price > 0),
    stop_price           numeric(14, 4) CHECK (stop_price > 0),
    -- The decision behind an entry, whole: an order that differs from what was approved cannot be stored.
    decision_id          uuid UNIQUE,
    decision_kind        text NOT NULL DEFAULT 'order' CHECK (decision_kind = 'order'),
    decision_verdict     text NOT NULL DEFAULT 'approved' CHECK (decision_verdict = 'approved'),
    decision_stop        numeric(14, 4),
    decision_target      numeric(14, 4),
    decision_expires_at  timestamptz,
    -- Why it was sent (exits) or turned down; cancel_reason: why it shall go, kept until it has gone.
    reason               text,
    cancel_reason        text,
    created_at           timestamptz NOT NULL,
    submitted_at         timestamptz,
    updated_at           timestamptz NOT NULL,
    FOREIGN KEY (decision_id, decision_kind, decision_verdict, client_order_id, symbol, quantity,
                 decision_stop, decision_target, decision_expires_at)
        REFERENCES risk_decisions (decision_id, kind, verdict, client_order_id, symbol, quantity,
                                   stop_price, take_profit_price, expires_at),
    CHECK (purpose <> 'entry' OR (decision_id IS NOT NULL AND decision_stop IS NOT NULL
                                  AND decision_target IS NOT NULL AND decision_expires_at IS NOT NULL)),
    CHECK (purpose NOT IN ('take_profit', 'stop_loss') OR parent_order_id IS NOT NULL)
);
-- One entry on its way per symbol: a retry, a second service or a second cron line cannot buy twice.
CREATE UNIQUE INDEX one_open_entry_per_symbol ON orders (symbol)
    WHERE purpose = 'entry' AND status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced', 'refused');
-- One exit or protective order at work per symbol: two processes cannot sell the same shares twice.
CREATE UNIQUE INDEX one_open_exit_per_symbol ON orders (symbol)
    WHERE purpose IN ('exit', 'protect')
      AND status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced', 'refused');
CREATE INDEX orders_not_settled ON orders (symbol)
    WHERE status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced', 'refused')
       OR booked_quantity < filled_quantity;
CREATE INDEX orders_by_parent ON orders (parent_order_id);
CREATE INDEX orders_by_cycle ON orders (cycle_id, created_at);

-- owner: trading
CREATE TABLE positions (
    position_id       uuid PRIMARY KEY,
    cycle_id          text REFERENCES trading_cycles (cycle_id),
    symbol            text NOT NULL REFERENCES securities (symbol),
    side              text NOT NULL CHECK (side IN ('long', 'short')),
    status            text NOT NULL CHECK (status IN ('open', 'closed')),
    quantity          integer NOT NULL CHECK (quantity >= 0),
    entry_quantity    integer NOT NULL CHECK (entry_quantity > 0),
    entry_price       numeric(18, 8) NOT NULL CHECK (entry_price > 0),
    entry_time        timestamptz NOT NULL,
    exit_price        numeric(18, 8),
    exit_time         timestamptz,
    -- On an open position: why it is being closed. On a closed one: what closed it.
    exit_reason       text,
    realized_pnl      numeric(18, 6) NOT NULL DEFAULT 0,
    stop_price        numeric(14, 4),
    take_profit_price numeric(14, 4),
    locked            boolean NOT NULL DEFAULT false,
    lock_reason       text,
    updated_at        timestamptz NOT NULL,
    CHECK ((status = 'closed') = (quantity = 0)),
    CHECK ((status = 'closed') = (exit_time IS NOT NULL))
);
CREATE UNIQUE INDEX one_open_position_per_symbol ON positions (symbol) WHERE status = 'open';
CREATE INDEX positions_by_entry ON positions (entry_time);

-- owner: trading
CREATE TABLE executions (
    execution_id        text PRIMARY KEY,
    order_id            uuid NOT NULL REFERENCES orders (order_id),
    position_id         uuid NOT NULL REFERENCES positions (position_id),
    symbol              text NOT NULL REFERENCES securities (symbol),
    side                text NOT NULL CHECK (side IN ('buy', 'sell')),
    quantity            integer NOT NULL CHECK (quantity > 0),
    -- Of the order, this execution included: the same fill cannot be booked under two ids.
    cumulative_quantity integer NOT NULL CHECK (cumulative_quantity >= quantity),
    price               numeric(18, 8) NOT NULL CHECK (price > 0),
    fee                 numeric(14, 6) NOT NULL DEFAULT 0,
    executed_at         timestamptz NOT NULL,
    UNIQUE (order_id, cumulative_quantity)
);
CREATE INDEX executions_by_order ON executions (order_id);
CREATE INDEX executions_by_position ON executions (position_id);

-- owner: workflow
CREATE TABLE proposals (
    proposal_id       uuid PRIMARY KEY,
    cycle_id          text NOT NULL,
    scan              integer NOT NULL,
    symbol            text NOT NULL REFERENCES securities (symbol),
    status            text NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'expired', 'refused')),
    scored            jsonb NOT NULL,
    price_at_proposal numeric(14, 4) NOT NULL CHECK (price_at_proposal > 0),
    quantity          integer NOT NULL CHECK (quantity > 0),
    stop_price        numeric(14, 4) NOT NULL,
    take_profit_price numeric(14, 4) NOT NULL,
    reason            text,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    decided_at        timestamptz,
    FOREIGN KEY (cycle_id, scan) REFERENCES scans (cycle_id, scan)
);
CREATE UNIQUE INDEX one_pending_proposal_per_symbol ON proposals (symbol) WHERE status = 'pending';
