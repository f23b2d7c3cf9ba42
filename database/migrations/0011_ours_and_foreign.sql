-- Ours and foreign. Ours is the fold of the executions of orders that this system sent, and of booked corrections; foreign
-- is what else the broker holds. One symbol can hold both, so an open position is one per symbol and origin.

ALTER TABLE positions ADD COLUMN origin text NOT NULL DEFAULT 'system' CHECK (origin IN ('system', 'foreign'));
ALTER TABLE orders ADD COLUMN origin text NOT NULL DEFAULT 'system' CHECK (origin IN ('system', 'foreign'));
ALTER TABLE orders ADD COLUMN time_in_force text NOT NULL DEFAULT 'day' CHECK (time_in_force IN ('day', 'gtc'));
COMMENT ON COLUMN orders.origin IS 'Whose shares it trades: an order of another hand, its legs, and our protection of foreign shares are foreign';

UPDATE orders SET origin = 'foreign'
WHERE purpose = 'foreign' OR parent_order_id IN (SELECT order_id FROM orders WHERE purpose = 'foreign');
-- Until now what another hand bought was booked as a position like any other.
UPDATE positions AS p SET origin = 'foreign'
WHERE p.status = 'open' AND p.side = 'long' AND p.cycle_id IS NULL AND EXISTS (
    SELECT FROM executions e JOIN orders o USING (order_id) WHERE e.position_id = p.position_id AND o.purpose = 'foreign')
  AND NOT EXISTS (
    SELECT FROM executions e JOIN orders o USING (order_id) WHERE e.position_id = p.position_id AND o.purpose = 'entry');

DROP INDEX one_open_position_per_symbol;
CREATE UNIQUE INDEX one_open_position_per_symbol ON positions (symbol, origin) WHERE status = 'open';
DROP INDEX one_open_exit_per_symbol;
CREATE UNIQUE INDEX one_open_exit_per_symbol ON orders (symbol, origin)
    WHERE purpose IN ('exit', 'protect')
      AND status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced', 'refused');

-- What changed a position without an execution of ours: never silently, always with its reason.
-- owner: trading
CREATE TABLE corrections (
    correction_id uuid PRIMARY KEY,
    position_id   uuid NOT NULL REFERENCES positions (position_id),
    symbol        text NOT NULL REFERENCES securities (symbol),
    side          text NOT NULL CHECK (side IN ('buy', 'sell')),
    quantity      integer NOT NULL CHECK (quantity > 0),
    price         numeric(18, 8) NOT NULL CHECK (price >= 0),
    -- Of a split: for so many shares before there are so many after; quantity is then the difference, at no price.
    shares_before integer NOT NULL DEFAULT 1 CHECK (shares_before > 0),
    shares_after  integer NOT NULL DEFAULT 1 CHECK (shares_after > 0),
    reason_code   text NOT NULL CHECK (reason_code IN
                  ('adopted', 'changed_at_broker', 'sold_by_hand', 'bought_by_hand', 'split', 'bust', 'reset')),
    is_estimated  boolean NOT NULL,
    execution_id  text,
    booked_at     timestamptz NOT NULL,
    CHECK ((reason_code = 'split') = (shares_before <> shares_after)),
    CHECK ((reason_code = 'split') = (price = 0))
);
CREATE INDEX corrections_by_position ON corrections (position_id);
CREATE INDEX corrections_by_symbol ON corrections (symbol, booked_at);
REVOKE UPDATE ON corrections FROM catalyst_app;
