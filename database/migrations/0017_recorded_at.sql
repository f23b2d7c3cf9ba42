-- When an event was written, by the database's own clock: the market's clock, which `occurred_at` is of, may run at any
-- speed, while a caller waits for an answer in real seconds.

-- owner: journal
ALTER TABLE events ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now();
