-- Entries are limit orders: the worst price that an approval allows is part of it, and an order that names another price
-- cannot be stored. Rows from before have none, so the checks hold for new rows only.

ALTER TABLE risk_decisions ADD COLUMN limit_price numeric(14, 4) CHECK (limit_price > 0);
ALTER TABLE risk_decisions ADD CONSTRAINT approved_with_a_limit CHECK (
    kind = 'validation' OR verdict = 'refused'
    OR (limit_price IS NOT NULL AND limit_price >= reference_price AND limit_price < take_profit_price)) NOT VALID;
ALTER TABLE risk_decisions ADD CONSTRAINT risk_decisions_as_ordered UNIQUE
    (decision_id, kind, verdict, client_order_id, symbol, quantity, limit_price, stop_price, take_profit_price, expires_at);

DO $$
DECLARE foreign_key text;
BEGIN
    SELECT conname INTO STRICT foreign_key FROM pg_constraint
    WHERE conrelid = 'orders'::regclass AND confrelid = 'risk_decisions'::regclass AND contype = 'f';
    EXECUTE format('ALTER TABLE orders DROP CONSTRAINT %I', foreign_key);
END $$;
ALTER TABLE orders ADD CONSTRAINT orders_as_approved FOREIGN KEY
    (decision_id, decision_kind, decision_verdict, client_order_id, symbol, quantity, limit_price,
     decision_stop, decision_target, decision_expires_at)
    REFERENCES risk_decisions
    (decision_id, kind, verdict, client_order_id, symbol, quantity, limit_price,
     stop_price, take_profit_price, expires_at);
ALTER TABLE orders ADD CONSTRAINT entry_with_a_limit CHECK (purpose <> 'entry' OR limit_price IS NOT NULL) NOT VALID;

-- A wish to close outlives the race with a fill: what an entry buys after the wish is closed for this reason.
ALTER TABLE orders ADD COLUMN exit_reason text;
COMMENT ON COLUMN orders.exit_reason IS 'On an entry: shares that it still buys shall be closed at once, and why';
