-- Fees: what the broker has charged, line by line, and what each execution bears of it or is expected to bear.

-- owner: trading
CREATE TABLE fee_charges (
    activity_id   text PRIMARY KEY,
    activity_type text NOT NULL,
    -- Which fee: the broker's sub-type (REG, TAF, CAT and others), its type where it names none.
    kind          text NOT NULL,
    -- USD taken from the account; negative: given back.
    amount        numeric(14, 6) NOT NULL,
    -- The trading day that it is for.
    day           date NOT NULL,
    listed_at     timestamptz,
    read_at       timestamptz NOT NULL
);
CREATE INDEX fee_charges_by_day ON fee_charges (day);

-- `fee` is its part of what was charged. Both are written anew whenever the day's executions or charges change.
ALTER TABLE executions ADD COLUMN fee_accrued numeric(14, 6) NOT NULL DEFAULT 0 CHECK (fee_accrued >= 0);
ALTER TABLE executions ADD CONSTRAINT fee_not_negative CHECK (fee >= 0);
COMMENT ON COLUMN executions.fee_accrued IS 'Expected by the rates of its day and not charged yet, USD';
-- An execution is a fact and stays as it was booked; what it bears of fees is known later.
GRANT UPDATE (fee, fee_accrued) ON executions TO catalyst_app;
CREATE INDEX executions_by_time ON executions (executed_at);

CREATE VIEW position_results AS
SELECT p.position_id, p.realized_pnl AS gross, f.charged AS fees_charged, f.accrued AS fees_accrued,
       p.realized_pnl - f.charged - f.accrued AS net
FROM positions p CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.fee), 0) AS charged, coalesce(sum(e.fee_accrued), 0) AS accrued
    FROM executions e WHERE e.position_id = p.position_id) f;
COMMENT ON VIEW position_results IS 'What a position has earned so far: gross by its prices, its fees, and net of both';
