-- The clock of the market in SQL, the two journals, and the roles.

-- Roles belong to the whole server, so eight migrations at once must agree on them.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['catalyst_app', 'catalyst_readonly'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END
$$;

-- Easter Sunday of a year (anonymous Gregorian algorithm, Meeus/Jones/Butcher).
CREATE FUNCTION easter_sunday(p_year integer) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    WITH a AS (SELECT p_year % 19 AS a, p_year / 100 AS b, p_year % 100 AS c),
    d AS (SELECT *, b / 4 AS d, b % 4 AS e, (b + 8) / 25 AS f FROM a),
    g AS (SELECT *, (b - f + 1) / 3 AS g, c / 4 AS i, c % 4 AS k FROM d),
    h AS (SELECT *, (19 * a + b - d - g + 15) % 30 AS h FROM g),
    l AS (SELECT *, (32 + 2 * e + 2 * i - h - k) % 7 AS l FROM h),
    m AS (SELECT *, (a + 11 * h + 22 * l) / 451 AS m FROM l)
    SELECT make_date(p_year, (h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1) FROM m
$$;

-- The n-th weekday (0 = Sunday) of a month; n = -1 is the last.
CREATE FUNCTION nth_weekday(p_year integer, p_month integer, p_weekday integer, p_n integer)
RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_n > 0 THEN
        first + ((p_weekday - extract(dow FROM first)::integer + 7) % 7) + 7 * (p_n - 1)
    ELSE
        last - ((extract(dow FROM last)::integer - p_weekday + 7) % 7)
    END
    FROM (SELECT make_date(p_year, p_month, 1) AS first,
                 (make_date(p_year, p_month, 1) + interval '1 month - 1 day')::date AS last) AS month
$$;

-- A fixed holiday as the exchange observes it: Sunday moves to Monday, Saturday to Friday.
CREATE FUNCTION observed(p_day date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE extract(dow FROM p_day)::integer WHEN 0 THEN p_day + 1 WHEN 6 THEN p_day - 1 ELSE p_day END
$$;

-- Whole days without trading under the exchange's own rule (NYSE Rule 7.2), plus the days it closed by decree.
CREATE FUNCTION is_market_holiday(p_day date) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_day IN (
        -- New Year's Day on a Saturday is not made up on the Friday before it.
        CASE WHEN extract(dow FROM make_date(y, 1, 1)) = 6 THEN NULL ELSE observed(make_date(y, 1, 1)) END,
        nth_weekday(y, 1, 1, 3),
        nth_weekday(y, 2, 1, 3),
        easter_sunday(y) - 2,
        nth_weekday(y, 5, 1, -1),
        CASE WHEN y >= 2022 THEN observed(make_date(y, 6, 19)) END,
        observed(make_date(y, 7, 4)),
        nth_weekday(y, 9, 1, 1),
        nth_weekday(y, 11, 4, 4),
        observed(make_date(y, 12, 25))
    ) IS TRUE OR p_day IN (DATE '2018-12-05', DATE '2025-01-09')
    FROM (SELECT extract(year FROM p_day)::integer AS y) AS of_year
$$;

CREATE FUNCTION is_trading_day(p_day date) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT extract(dow FROM p_day) BETWEEN 1 AND 5 AND NOT is_market_holiday(p_day)
$$;

-- 13:00 on the day after Thanksgiving, on Christmas Eve, and on 3 July when the 4th is a weekday; 16:00 otherwise.
CREATE FUNCTION market_close_time(p_day date) RETURNS time LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_day = nth_weekday(extract(year FROM p_day)::integer, 11, 4, 4) + 1
                  OR to_char(p_day, 'MM-DD') = '12-24'
                  OR (to_char(p_day, 'MM-DD') = '07-03' AND extract(dow FROM p_day) BETWEEN 1 AND 4)
                THEN TIME '13:00' ELSE TIME '16:00' END
$$;

CREATE FUNCTION is_market_hours(p_timestamp timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT is_trading_day(wall::date) AND wall::time >= TIME '09:30' AND wall::time < market_close_time(wall::date)
    FROM (SELECT p_timestamp AT TIME ZONE 'America/New_York' AS wall) AS market
$$;

-- owner: journal
CREATE TABLE time_dimension (
    time_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    timestamp       timestamptz NOT NULL UNIQUE,
    date            date NOT NULL,
    year            integer NOT NULL,
    month           integer NOT NULL,
    day             integer NOT NULL,
    day_of_week     integer NOT NULL,
    hour            integer NOT NULL,
    minute          integer NOT NULL,
    is_market_hours boolean NOT NULL,
    is_trading_day  boolean NOT NULL
);

-- Calendar fields are those of the market's own wall clock.
CREATE FUNCTION get_or_create_time(p_timestamp timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_time_id bigint;
    v_wall timestamp := p_timestamp AT TIME ZONE 'America/New_York';
BEGIN
    SELECT time_id INTO v_time_id FROM time_dimension WHERE timestamp = p_timestamp;
    IF v_time_id IS NULL THEN
        INSERT INTO time_dimension (timestamp, date, year, month, day, day_of_week, hour, minute,
                                    is_market_hours, is_trading_day)
        VALUES (p_timestamp, v_wall::date, extract(year FROM v_wall), extract(month FROM v_wall),
                extract(day FROM v_wall), extract(dow FROM v_wall), extract(hour FROM v_wall),
                extract(minute FROM v_wall), is_market_hours(p_timestamp), is_trading_day(v_wall::date))
        ON CONFLICT (timestamp) DO UPDATE SET timestamp = EXCLUDED.timestamp
        RETURNING time_id INTO v_time_id;
    END IF;
    RETURN v_time_id;
END
$$;

-- owner: journal
CREATE TABLE events (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service     text NOT NULL,
    kind        text NOT NULL,
    cycle_id    text,
    payload     jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL
);
CREATE INDEX events_by_kind ON events (kind, event_id);
CREATE INDEX events_by_cycle ON events (cycle_id, event_id) WHERE cycle_id IS NOT NULL;

-- owner: journal
CREATE TABLE alerts (
    alert_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service     text NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    kind        text NOT NULL,
    message     text NOT NULL,
    cycle_id    text,
    occurred_at timestamptz NOT NULL
);
