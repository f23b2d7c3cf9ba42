"""The computed calendar against an independent one, and the hours around a half day."""

from datetime import date, timedelta

import pandas_market_calendars
import pytest

from services.exchange.rules.calendar import closing_time, next_trading_day, previous_trading_day, trading_days
from shared.domain.session import MARKET_ZONE


@pytest.mark.filterwarnings("ignore")
def test_twenty_five_years_agree_with_the_published_calendar() -> None:
    schedule = pandas_market_calendars.get_calendar("NYSE").schedule("2006-01-01", "2030-12-31", tz=MARKET_ZONE)
    published = {at.date(): row.market_close.time() for at, row in schedule.iterrows()}
    assert {day: closing_time(day) for day in trading_days(date(2006, 1, 1), date(2030, 12, 31))} == published


def test_neighbours_skip_weekends_and_holidays() -> None:
    assert next_trading_day(date(2026, 5, 22)) == date(2026, 5, 26)
    assert previous_trading_day(date(2026, 11, 27)) == date(2026, 11, 25)
    day = date(2026, 1, 1)
    for _ in range(300):
        assert previous_trading_day(next_trading_day(day)) <= day
        day += timedelta(days=1)
