-- Our clock beside the broker's, as trading compared them last: one row.

-- owner: trading
CREATE TABLE clock_offset (
    only_row            boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- The broker's time less ours: positive, our clock is slow.
    offset_seconds      double precision NOT NULL,
    -- Half of the time that the question took.
    uncertainty_seconds double precision NOT NULL CHECK (uncertainty_seconds >= 0),
    in_step             boolean NOT NULL,
    broker_time         timestamptz NOT NULL,
    our_time            timestamptz NOT NULL
);
