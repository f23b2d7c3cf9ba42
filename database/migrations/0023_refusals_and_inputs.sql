-- Facts that were readable only from sentences.

-- Why the broker turned an order down, for what decides by it; the words stay in `reason`.
ALTER TABLE orders ADD COLUMN refusal text CHECK (refusal IN (
    'price_moved', 'client_order_id_taken', 'shares_not_available', 'buying_power', 'not_tradable', 'account_restricted',
    'wash_trade', 'other'));

-- Everything that a verdict was computed from, so that the same rules can be run over it again. Null: decided before
-- this was kept.
ALTER TABLE risk_decisions ADD COLUMN inputs jsonb;
