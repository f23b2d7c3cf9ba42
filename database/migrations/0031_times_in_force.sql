-- Another hand's order may be good for an auction alone, or for an instant; whether it can fill now depends on that.

ALTER TABLE orders DROP CONSTRAINT orders_time_in_force_check;
ALTER TABLE orders ADD CONSTRAINT orders_time_in_force_check
    CHECK (time_in_force IN ('day', 'gtc', 'opg', 'cls', 'ioc', 'fok'));
