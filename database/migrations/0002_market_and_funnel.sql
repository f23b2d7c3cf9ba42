-- Securities, cycles, and what each stage of the funnel found.

-- owner: scanner
CREATE TABLE sectors (
    sector_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL UNIQUE
);

-- owner: scanner
CREATE TABLE securities (
    security_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol       text NOT NULL UNIQUE CHECK (symbol = upper(symbol) AND length(symbol) BETWEEN 1 AND 12),
    name         text,
    exchange     text NOT NULL DEFAULT 'UNKNOWN',
    sector_id    integer REFERENCES sectors (sector_id),
    is_active    boolean NOT NULL DEFAULT true,
    refreshed_at timestamptz
);

CREATE FUNCTION get_or_create_security(p_symbol varchar) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_security_id integer;
BEGIN
    SELECT security_id INTO v_security_id FROM securities WHERE symbol = upper(p_symbol);
    IF v_security_id IS NULL THEN
        INSERT INTO securities (symbol) VALUES (upper(p_symbol))
        ON CONFLICT (symbol) DO UPDATE SET symbol = EXCLUDED.symbol
        RETURNING security_id INTO v_security_id;
    END IF;
    RETURN v_security_id;
END
$$;

-- owner: workflow
CREATE TABLE trading_cycles (
    cycle_id               text PRIMARY KEY,
    mode                   text NOT NULL CHECK (mode IN ('conservative', 'normal', 'aggressive')),
    session_mode           text NOT NULL CHECK (session_mode IN ('supervised', 'autonomous')),
    status                 text NOT NULL CHECK (status IN ('running', 'stopping', 'completed', 'stopped', 'failed')),
    trading_day            date NOT NULL,
    driven_by              text NOT NULL CHECK (driven_by IN ('schedule', 'hand')),
    max_positions          integer NOT NULL CHECK (max_positions > 0),
    max_daily_loss         numeric(14, 2) NOT NULL CHECK (max_daily_loss > 0),
    scan_frequency_seconds integer NOT NULL CHECK (scan_frequency_seconds > 0),
    config_hash            text NOT NULL,
    started_at             timestamptz NOT NULL,
    stopped_at             timestamptz,
    reason                 text,
    CHECK (stopped_at IS NULL OR stopped_at >= started_at)
);
CREATE UNIQUE INDEX one_running_cycle ON trading_cycles ((true)) WHERE status IN ('running', 'stopping');

-- owner: workflow
CREATE TABLE scans (
    cycle_id   text NOT NULL REFERENCES trading_cycles (cycle_id),
    scan       integer NOT NULL CHECK (scan > 0),
    slot       timestamptz NOT NULL,
    status     text NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'interrupted')),
    request_id bigint,
    attempts   integer NOT NULL DEFAULT 1 CHECK (attempts > 0),
    degraded   text[] NOT NULL DEFAULT '{}',
    funnel     jsonb NOT NULL DEFAULT '{}',
    stage_ms   jsonb NOT NULL DEFAULT '{}',
    trace      jsonb NOT NULL DEFAULT '{}',
    picks      jsonb NOT NULL DEFAULT '[]',
    reason     text,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    PRIMARY KEY (cycle_id, scan)
);
CREATE UNIQUE INDEX one_running_scan ON scans (cycle_id) WHERE status = 'running';

-- owner: scanner
CREATE TABLE scan_results (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cycle_id        text NOT NULL,
    scan            integer NOT NULL,
    symbol          text NOT NULL REFERENCES securities (symbol),
    rank            integer NOT NULL CHECK (rank > 0),
    price           double precision NOT NULL CHECK (price > 0),
    volume          bigint NOT NULL CHECK (volume >= 0),
    previous_close  double precision NOT NULL,
    change_pct      double precision NOT NULL,
    gap_pct         double precision NOT NULL,
    return_5d_pct   double precision,
    return_20d_pct  double precision,
    vwap_distance_pct double precision,
    high_distance_pct double precision,
    rvol            double precision NOT NULL,
    dollar_volume   double precision NOT NULL,
    average_volume  double precision NOT NULL,
    spread_pct      double precision,
    momentum_score  double precision NOT NULL CHECK (momentum_score BETWEEN 0 AND 1),
    volume_score    double precision NOT NULL CHECK (volume_score BETWEEN 0 AND 1),
    news_score      double precision CHECK (news_score BETWEEN 0 AND 1),
    pattern_score   double precision CHECK (pattern_score BETWEEN 0 AND 1),
    technical_score double precision CHECK (technical_score BETWEEN 0 AND 1),
    composite_score double precision CHECK (composite_score BETWEEN 0 AND 1),
    stage           text NOT NULL DEFAULT 'scanner',
    outcome         text,
    scanned_at      timestamptz NOT NULL,
    FOREIGN KEY (cycle_id, scan) REFERENCES scans (cycle_id, scan),
    UNIQUE (cycle_id, scan, symbol)
);

-- What became of every other symbol: one row a scan, so that `explain` can answer for the whole universe.
-- owner: scanner
CREATE TABLE scan_coverage (
    cycle_id   text NOT NULL,
    scan       integer NOT NULL,
    universe   integer NOT NULL,
    scanned    integer NOT NULL,
    dropped    jsonb NOT NULL,
    ranked     jsonb NOT NULL,
    scanned_at timestamptz NOT NULL,
    PRIMARY KEY (cycle_id, scan),
    FOREIGN KEY (cycle_id, scan) REFERENCES scans (cycle_id, scan)
);

-- owner: news
CREATE TABLE news_items (
    item_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text NOT NULL,
    source_id    text NOT NULL,
    story_id     bigint REFERENCES news_items (item_id),
    published_at timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    headline     text NOT NULL CHECK (length(headline) > 0),
    summary      text NOT NULL DEFAULT '',
    url          text,
    symbols      text[] NOT NULL DEFAULT '{}',
    UNIQUE (source, source_id)
);
CREATE INDEX news_items_by_time ON news_items (published_at DESC);
CREATE INDEX news_items_by_symbol ON news_items USING gin (symbols);

-- owner: news
CREATE TABLE news_sentiment (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cycle_id   text,
    scan       integer,
    symbol     text NOT NULL REFERENCES securities (symbol),
    as_of      timestamptz NOT NULL,
    score      double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    sentiment  double precision NOT NULL CHECK (sentiment BETWEEN -1 AND 1),
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    catalyst   text,
    items      integer NOT NULL,
    latest_at  timestamptz,
    headline   text,
    reason     text NOT NULL,
    FOREIGN KEY (cycle_id, scan) REFERENCES scans (cycle_id, scan),
    UNIQUE (cycle_id, scan, symbol)
);
CREATE INDEX news_sentiment_by_symbol ON news_sentiment (symbol, as_of DESC);

-- owner: pattern
CREATE TABLE pattern_analysis (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cycle_id   text,
    scan       integer,
    symbol     text NOT NULL REFERENCES securities (symbol),
    as_of      timestamptz NOT NULL,
    score      double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    name       text,
    direction  text,
    status     text,
    confidence double precision CHECK (confidence BETWEEN 0 AND 1),
    detections jsonb NOT NULL,
    support    double precision[] NOT NULL DEFAULT '{}',
    resistance double precision[] NOT NULL DEFAULT '{}',
    refused    text,
    FOREIGN KEY (cycle_id, scan) REFERENCES scans (cycle_id, scan)
);
CREATE INDEX pattern_analysis_by_symbol ON pattern_analysis (symbol, as_of DESC);
CREATE INDEX pattern_analysis_by_scan ON pattern_analysis (cycle_id, scan);

-- owner: technical
CREATE TABLE technical_indicators (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cycle_id   text,
    scan       integer,
    symbol     text NOT NULL REFERENCES securities (symbol),
    as_of      timestamptz NOT NULL,
    score      double precision CHECK (score BETWEEN 0 AND 1),
    atr        double precision CHECK (atr >= 0),
    support    double precision,
    resistance double precision,
    parts      jsonb NOT NULL,
    indicators jsonb NOT NULL,
    rests_on   text NOT NULL DEFAULT '',
    refused    text,
    FOREIGN KEY (cycle_id, scan) REFERENCES scans (cycle_id, scan),
    UNIQUE (cycle_id, scan, symbol)
);
CREATE INDEX technical_indicators_by_symbol ON technical_indicators (symbol, as_of DESC);
