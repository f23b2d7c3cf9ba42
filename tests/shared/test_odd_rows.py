"""One odd row in a list of Alpaca's loses its own row; a calendar with one is no answer, as a lost day is a holiday."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from shared.adapters.alpaca_data import AlpacaData
from shared.adapters.alpaca_wire import trading_days
from shared.errors import Unavailable
from tests.shared.alpaca_venue import NOW, Venue, settings_for

AT = "2026-06-16T15:02:00Z"
ODD: list[Any] = [
    "text", 7, [], {"latestTrade": {"p": "many", "t": AT}}, {"latestTrade": {"p": 1, "t": "yesterday"}},
    {"latestTrade": {"p": 1, "t": "2026-06-16T15:02:00"}}, {"latestTrade": {"p": 1, "t": "99999-01-01T00:00:00Z"}},
    {"latestTrade": {"p": 1, "t": 1781622120}}, {"latestTrade": {"p": 1, "c": "@I"}}, {"latestQuote": []},
    {"dailyBar": {"t": 5}}, {"dailyBar": {"o": {}}}, {"prevDailyBar": "none"},
]  # fmt: skip


@pytest.fixture
async def market(venue_url: str) -> AsyncIterator[AlpacaData]:
    data = AlpacaData(settings_for(venue_url))
    yield data
    await data.close()


def good(price: float) -> dict[str, Any]:
    return {"latestTrade": {"p": price, "t": AT}, "latestQuote": {"bp": price, "ap": price, "t": AT}}


@pytest.mark.parametrize("odd", ODD, ids=repr)
async def test_an_odd_snapshot_loses_itself(market: AlpacaData, venue: Venue, odd: Any) -> None:
    venue.answers["/v2/stocks/snapshots"] = (200, {"A": good(1), "ODD": odd, "B": good(2)})
    found = await market.snapshots(["A", "ODD", "B"])
    assert found.price[[0, 2]].tolist() == [1, 2]
    assert np.isnan(found.price[1])


@pytest.mark.parametrize(
    "body",
    [
        b'{"A": {"latestTrade": {"p": 1, "x": "\xe9", "c": ["\xe9"]}}, "B": {"latestTrade": {"p": 2}}}',
        b'{"A": {"latestTrade": {"p": 1, "x": "\\ud83d", "c": ["\\ud83d"]}}, "B": {"latestTrade": {"p": 2}}}',
        b'{"A": {"latestTrade": {"p": 1}}, "B": {"latestTrade": {"p": 2, "s": NaN}}}',
        b'\xef\xbb\xbf{"A": {"latestTrade": {"p": 1}}, "B": {"latestTrade": {"p": 2}}}',
        b'{"A": {"latestTrade": {"p": 1}}, "B": {"latestTrade": {"p": 2}}, "C\xe9": 1}',
    ],
)
async def test_odd_bytes_cost_nothing_that_can_be_read(market: AlpacaData, venue: Venue, body: bytes) -> None:
    venue.answers["/v2/stocks/snapshots"] = (200, body)
    assert (await market.snapshots(["A", "B"])).price.tolist() == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00", b"", b"null", b"[]", b'{"A": 1, "B": "x"}', b'{"A": {"latestTrade": ', b"[" * 100_000,
        b'{"A": {"latestTrade": {"p": 1e999}}}', "<html>\xe9</html>".encode("latin-1"), b"9" * 5000,
    ],
)  # fmt: skip
async def test_an_answer_without_a_readable_row_is_unavailable(market: AlpacaData, venue: Venue, body: bytes) -> None:
    for path in ("/v2/stocks/snapshots", "/v2/stocks/quotes/latest", "/v2/stocks/trades/latest"):
        venue.answers[path] = (200, body)
    for ask in (market.snapshots, market.quotes, market.trades):
        with pytest.raises(Unavailable, match="another form"):
            await ask(["A", "B"])


async def test_odd_quotes_and_trades_lose_themselves(market: AlpacaData, venue: Venue) -> None:
    quote, trade = {"bp": 1, "ap": 2, "t": AT}, {"p": 1.5, "t": AT, "s": 100}
    odd = {"B": {"t": 5}, "C": "text", "D": {"bp": "x", "t": AT}, "E": {"p": 1, "t": "2026-06-16T15:02:00"}}
    venue.answers["/v2/stocks/quotes/latest"] = (200, {"quotes": {"A": quote} | odd})
    venue.answers["/v2/stocks/trades/latest"] = (200, {"trades": {"A": trade, "F": trade | {"p": -1}} | odd})
    assert list(await market.quotes(["A", "B", "C"])) == ["A"]
    assert list(await market.trades(["A", "B", "C"])) == ["A"]
    venue.answers["/v2/stocks/quotes/latest"] = (200, {"data": {}})
    with pytest.raises(Unavailable, match="quotes"):
        await market.quotes(["A"])


def bar(at: Any, close: Any = 10.0) -> dict[str, Any]:
    return {"t": at, "o": close, "h": close, "l": close, "c": close, "v": 100}


@pytest.mark.parametrize(
    "odd",
    [
        bar("noon"), bar(""), bar(7), bar("2026-06-12T04:00:00"), bar("2026-06-12T04:00:00\u00e9"), bar(None),
        bar("2026-06-12T04:00:00Z", "ten"), bar("2026-06-12T04:00:00Z", None), {}, "text", None, bar("0" * 19 + "Z"),
        bar("9999-12-31T23:59:59-23:00"), bar("2126-06-12T04:00:00Z"),
    ],
    ids=repr,
)  # fmt: skip
async def test_an_odd_bar_loses_itself(market: AlpacaData, venue: Venue, odd: Any) -> None:
    rows = [bar("2026-06-11T04:00:00Z", 1), odd, bar("2026-06-15T04:00:00Z", 3)]
    venue.answers["/v2/stocks/bars"] = (200, {"bars": {"A": rows, "B": [bar("2026-06-11T04:00:00Z", 5)]}})
    found = await market.bars(["A", "B"], "1Day", NOW - timedelta(days=30), NOW)
    assert {symbol: bars.close.tolist() for symbol, bars in found.items()} == {"A": [1, 3], "B": [5]}


async def test_a_page_of_odd_bars_is_unavailable(market: AlpacaData, venue: Venue) -> None:
    venue.answers["/v2/stocks/bars"] = (200, {"bars": {"A": ["x", {}], "B": [None]}})
    with pytest.raises(Unavailable, match="none of 3 bars"):
        await market.bars(["A", "B"], "1Day", NOW - timedelta(days=30), NOW)


@pytest.mark.parametrize(
    "odd",
    [
        {"date": "2026-06-17", "open": "soon", "close": "16:00"}, {"date": "2026-06-17", "open": "09:30", "close": ""},
        {"date": "2026-06-17", "open": "09:30"}, {"date": "17.6.2026", "open": "09:30", "close": "16:00"}, "text",
        {"date": "2026-06-17", "open": "16:00", "close": "09:30"},
        {"date": "2026-06-17", "open": "09:30", "close": "9"},
        {"date": "2026-06-17", "open": "25:00", "close": "26:00"}, {"date": None, "open": "09:30", "close": "16:00"},
    ],
    ids=repr,
)  # fmt: skip
async def test_a_lost_day_is_no_holiday(market: AlpacaData, venue: Venue, odd: Any) -> None:
    venue.answers["/v2/calendar"] = (200, [{"date": "2026-06-16", "open": "09:30", "close": "16:00"}, odd])
    with pytest.raises(Unavailable):
        await market.sessions(date(2026, 6, 16), date(2026, 6, 18))


@pytest.mark.parametrize("said", ["2026-06-16T11:02:30", "now", None, 5])
async def test_a_clock_without_an_offset_is_unavailable(market: AlpacaData, venue: Venue, said: Any) -> None:
    venue.answers["/v2/clock"] = (200, {"timestamp": said})
    with pytest.raises(Unavailable):
        await market.bars(["A"], "1Day", NOW - timedelta(days=30), NOW)


async def test_odd_assets_lose_themselves(market: AlpacaData, venue: Venue) -> None:
    row = {"symbol": "A", "class": "us_equity", "status": "active", "tradable": True, "exchange": "NYSE"}
    body = json.dumps([row, row | {"symbol": "B", "name": "@"}, row | {"symbol": 5}]).encode().replace(b"@", b"\xe9")
    venue.answers["/v2/assets"] = (200, body)
    assert [asset.symbol for asset in await market.assets()] == ["A", "B"]


def test_the_day_of_a_bar_is_new_yorks() -> None:
    """Midnight in New York, on both sides of a change of clocks; what is no time with an offset has no day."""
    stamps = ["2026-03-06T05:00:00Z", "2026-03-09T04:00:00Z", "2026-03-09T00:00:00-04:00", "2026-11-02T05:00:00Z"]
    days = [date(2026, 3, 6), date(2026, 3, 9), date(2026, 3, 9), date(2026, 11, 2)]
    assert trading_days(stamps).tolist() == [day.toordinal() for day in days]
    odd = [None, "", "x", "2026-06-16", "2026-06-16T04:00:00", "99999-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00"]
    assert np.isnan(trading_days(odd)).all()
    assert datetime.fromordinal(int(trading_days(["0001-01-02T00:00:00Z"])[0])).replace(tzinfo=UTC).year == 1
