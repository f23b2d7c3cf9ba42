"""The market-data adapter: against the real exchange, and against answers in the shapes that have broken others."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import Request

from scripts.tapes.synthesize import synthesize
from services.exchange.api import bare_app
from services.exchange.flow import open_world
from services.news.sources.alpaca import AlpacaNews
from shared.adapters.alpaca_data import AlpacaData
from shared.errors import Unavailable
from tests.absent import NoCache
from tests.exchange.conftest import serving
from tests.shared.alpaca_venue import NOW, Venue, settings_for


@pytest.fixture
async def market(venue_url: str) -> AsyncIterator[AlpacaData]:
    data = AlpacaData(settings_for(venue_url))
    yield data
    await data.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The real exchange on an invented tape, forty-one minutes and a half after the open."""
    synthesize(tmp_path, seed=3, names=40)
    with serving(bare_app(open_world(tmp_path, start="10:11:30"))) as url:
        yield url


def bar(at: str, close: float = 10.0, **more: Any) -> dict[str, Any]:
    return {"t": at, "o": close, "h": close, "l": close, "c": close, "v": 100, "n": None, "vw": None} | more


async def test_snapshots_with_parts_missing(market: AlpacaData, venue: Venue) -> None:
    venue.answers["/v2/stocks/snapshots"] = (
        200,
        {
            "FULL": {
                "latestTrade": {"t": "2026-06-16T15:02:00.123456789Z", "x": "V", "p": 101.5, "s": 100, "new": 1},
                "latestQuote": {"t": "2026-06-16T15:02:00Z", "ap": 101.6, "as": 1, "bp": 0, "bs": 0},
                "minuteBar": None,
                "dailyBar": {"t": "2026-06-16T04:00:00Z", "o": 1, "h": 2, "l": 3, "c": 4, "v": 5, "n": 1, "vw": 6},
                "prevDailyBar": {"t": "2026-06-15T04:00:00Z", "c": 99, "v": 1000},
            },
            "PART": {"latestTrade": {"p": 3}, "latestQuote": None, "dailyBar": {}},
            "NULL": None,
        },
    )
    found = await market.snapshots(["NULL", "FULL", "GONE", "PART", "FULL"])
    assert found.symbols == ("NULL", "FULL", "GONE", "PART", "FULL")
    assert found.price.tolist()[1::2] == [101.5, 3.0]
    assert found.price[4] == 101.5
    assert np.isnan(found.price[[0, 2]]).all()
    assert found.trade_at[1] == pytest.approx(datetime(2026, 6, 16, 15, 2, tzinfo=UTC).timestamp() + 0.123457)
    assert (found.bid[1], found.ask[1], found.day_vwap[1], found.previous_volume[1]) == (0.0, 101.6, 6.0, 1000.0)
    assert np.isnan(found.trade_at[3])
    assert found.day[1] == date(2026, 6, 16).toordinal() == found.previous_day[1] + 1
    assert np.isnan(found.day[[0, 3]]).all()
    _, query, headers = venue.asked[0]
    assert (query["symbols"], query["feed"]) == ("NULL,FULL,GONE,PART", "iex")
    assert (headers["apca-api-key-id"], headers["apca-api-secret-key"]) == ("KEY", "SECRET")


async def test_no_symbols_ask_nothing(market: AlpacaData, venue: Venue) -> None:
    assert (await market.snapshots([])).price.shape == (0,)
    assert await market.bars([], "1Day", NOW - timedelta(days=9), NOW) == {}
    assert [path for path, _, _ in venue.asked if path.startswith("/v2/stocks")] == []


async def test_many_symbols_go_in_chunks(market: AlpacaData, venue: Venue) -> None:
    def echo(request: Request) -> tuple[int, Any]:
        return 200, {name: {"latestTrade": {"p": 1}} for name in request.query_params["symbols"].split(",")}

    venue.answers["/v2/stocks/snapshots"] = echo
    symbols = [f"S{n}" for n in range(1201)]
    found = await market.snapshots(symbols)
    assert np.isfinite(found.price).all()
    sizes = [len(query["symbols"].split(",")) for query in venue.asked_for("/v2/stocks/snapshots")]
    assert sorted(sizes) == [201, 500, 500]


async def test_one_invalid_symbol_does_not_cost_the_others(market: AlpacaData, venue: Venue) -> None:
    def picky(request: Request) -> tuple[int, Any]:
        names = request.query_params["symbols"].split(",")
        if "BAD.X" in names:
            return 400, {"message": "code=400, message=invalid symbol: BAD.X"}
        return 200, {name: {"latestTrade": {"p": 1}} for name in names}

    venue.answers["/v2/stocks/snapshots"] = picky
    found = await market.snapshots(["A", "BAD.X", "not one", "B"])
    assert np.isfinite(found.price).tolist() == [True, False, False, True]


async def test_unknown_values_do_not_cost_the_asset_list(market: AlpacaData, venue: Venue) -> None:
    good = {"symbol": "A", "name": "A Inc", "exchange": "NYSE", "class": "us_equity", "status": "active"}
    venue.answers["/v2/assets"] = (
        200,
        [
            good | {"tradable": True, "fractionable": True, "attributes": ["has_options", "brand_new"]},
            good | {"symbol": "B", "exchange": "ASCX", "name": None, "attributes": None, "borrow_status": "maybe"},
            good | {"symbol": "C/USD", "class": "crypto_perp"},
            good | {"symbol": None},
            "nonsense",
        ],
    )
    assets = await market.assets()
    assert [asset.symbol for asset in assets] == ["A", "B"]
    assert assets[0].attributes == ("has_options", "brand_new")
    assert (assets[1].exchange, assets[1].tradable, assets[1].active) == ("ASCX", False, True)


async def test_a_forming_bar_is_left_out_and_so_are_odd_hours(market: AlpacaData, venue: Venue) -> None:
    stamps = ["2026-06-16T12:00:00Z", "2026-06-16T13:30:00Z", "2026-06-16T14:55:00Z", "2026-06-16T15:00:00Z"]
    venue.answers["/v2/stocks/bars"] = (
        200,
        {"bars": {"A": [bar(at) for at in stamps], "B": None, "C": []}, "next_page_token": None},
    )
    found = await market.bars(["A", "B", "C"], "5Min", NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert list(found) == ["A"]
    starts = [datetime.fromtimestamp(at, UTC).strftime("%H:%M") for at in found["A"].start]
    assert starts == ["13:30", "14:55"]
    asked = venue.asked_for("/v2/stocks/bars")[0]
    assert (asked["adjustment"], asked["feed"], asked["timeframe"]) == ("split", "iex", "5Min")


async def test_todays_daily_bar_is_forming_until_evening(market: AlpacaData, venue: Venue) -> None:
    rows = [bar("2026-06-15T04:00:00Z"), bar("2026-06-16T04:00:00Z")]
    venue.answers["/v2/stocks/bars"] = (200, {"bars": {"A": rows}, "next_page_token": None})
    span = NOW - timedelta(days=9), NOW + timedelta(days=1)
    assert len((await market.bars(["A"], "1Day", *span))["A"]) == 1
    assert venue.asked_for("/v2/stocks/bars")[0]["feed"] == "sip"
    venue.answers["/v2/clock"] = (200, {"timestamp": "2026-06-16T20:00:01-04:00"})
    assert len((await market.bars(["A"], "1Day", *span))["A"]) == 2


async def test_pages_are_joined(market: AlpacaData, venue: Venue) -> None:
    days = [f"2026-06-{n:02}T04:00:00Z" for n in range(1, 7)]
    pages: dict[str, Any] = {
        "": {"bars": {"A": [bar(days[0], 1), bar(days[1], 2)], "B": [bar(days[0], 5)]}, "next_page_token": "two"},
        "two": {"bars": {"B": [bar(days[1].replace("Z", "+00:00"), 6)]}, "next_page_token": None},
    }
    venue.answers["/v2/stocks/bars"] = lambda request: (200, pages[request.query_params.get("page_token", "")])
    found = await market.bars(["A", "B"], "1Day", NOW - timedelta(days=30), NOW)
    assert {symbol: bars.close.tolist() for symbol, bars in found.items()} == {"A": [1, 2], "B": [5, 6]}
    assert (np.diff(found["B"].start) == 86_400).all()


async def test_quotes_trades_and_hours(market: AlpacaData, venue: Venue) -> None:
    at = "2026-06-16T15:02:00Z"
    venue.answers["/v2/stocks/quotes/latest"] = (200, {"quotes": {"A": {"bp": 1, "ap": 2, "t": at}, "B": None}})
    venue.answers["/v2/stocks/trades/latest"] = (200, {"trades": {"A": {"p": 1.5, "t": at}, "B": {"t": at}}})
    venue.answers["/v2/calendar"] = (
        200,
        [
            {"date": "2026-11-25", "open": "09:30", "close": "16:00", "session_open": "0400"},
            {"date": "2026-11-27", "open": "09:30", "close": "13:00", "settlement_date": "2026-11-30"},
        ],
    )
    quotes, trades = await market.quotes(["A", "B", "C"]), await market.trades(["A", "B", "C"])
    assert (list(quotes), quotes["A"].ask, list(trades), trades["A"].price) == (["A"], 2.0, ["A"], 1.5)
    assert trades["A"].sets_price
    odd = {"A": {"p": 1.5, "t": at, "s": 3}, "B": {"p": 1.5, "t": at, "s": 500, "c": ["@", "T"]}}
    venue.answers["/v2/stocks/trades/latest"] = (200, {"trades": odd})
    assert [one.sets_price for one in (await market.trades(["A", "B"])).values()] == [False, False]
    sessions = await market.sessions(date(2026, 11, 26), date(2026, 11, 30))
    assert [(f"{one.day}", f"{one.close:%H:%M}") for one in sessions] == [("2026-11-27", "18:00")]


@pytest.mark.parametrize(
    ("status", "body", "says", "tries"),
    [
        (401, "<html>401 Authorization Required</html>", "ALPACA_API_KEY", 1),
        (403, {"message": "subscription does not permit querying recent SIP data"}, "ALPACA_FEED", 1),
        (429, {"message": "too many requests."}, "429", 3),
        (500, "oops", "status 500", 3),
        (400, {"message": "invalid limit"}, "invalid limit", 1),
        (200, {"A": "text"}, "another form", 1),
        (200, "<html>maintenance</html>", "another form", 1),
    ],
)
async def test_trouble_is_unavailable_and_says_what_to_do(
    market: AlpacaData, venue: Venue, status: int, body: Any, says: str, tries: int
) -> None:
    venue.answers["/v2/stocks/snapshots"] = (status, body)
    with pytest.raises(Unavailable, match=says):
        await market.snapshots(["A"])
    assert len(venue.asked) == tries


async def test_a_passing_failure_is_not_noticed(market: AlpacaData, venue: Venue) -> None:
    answers = iter([(504, ""), (200, {"A": {"latestTrade": {"p": 7}}})])
    venue.answers["/v2/stocks/snapshots"] = lambda _request: next(answers)
    assert (await market.snapshots(["A"])).price.tolist() == [7.0]


async def test_a_redirect_does_not_take_the_keys_along(market: AlpacaData, venue: Venue, venue_url: str) -> None:
    elsewhere = venue_url.replace("127.0.0.1", "localhost")
    venue.answers["/v2/stocks/snapshots"] = (307, f"{elsewhere}/stranger")
    venue.answers["/stranger"] = (200, {})
    with pytest.raises(Unavailable, match="status 307"):
        await market.snapshots(["AAPL"])
    assert venue.asked_for("/stranger") == []


async def test_nobody_there(free_port: int) -> None:
    market = AlpacaData(settings_for(f"http://127.0.0.1:{free_port}"))
    with pytest.raises(Unavailable, match="does not answer after 3 tries"):
        await market.assets()
    await market.close()


class Budget(NoCache):
    """A shared budget that says how long to wait, a list of answers long."""

    def __init__(self, *waits: float) -> None:
        self.waits, self.taken = list(waits), [("", 0)]

    async def take(
        self, budget: str, per_minute: int, cost: int = 1, reserve: int = 0, *, urgent: bool = False
    ) -> float:
        self.taken.append((budget, reserve))
        return self.waits.pop(0) if self.waits else 0.0

    async def ping(self) -> bool:
        return True


async def test_the_request_budget_is_waited_for_but_not_for_ever(venue: Venue, venue_url: str) -> None:
    venue.answers["/v2/assets"] = (200, [])
    patient, broke = Budget(0.01, 0.0), Budget(20.0, 20.0)
    broke.waits[0] = 31.0
    market, poor = AlpacaData(settings_for(venue_url), patient), AlpacaData(settings_for(venue_url), broke)
    assert await market.assets() == ()
    assert patient.taken[1:] == [("alpaca-trading", 50)] * 2
    with pytest.raises(Unavailable, match="request budget"):
        await poor.assets()
    await market.close()
    await poor.close()


async def test_against_the_real_exchange(served: str) -> None:
    settings = settings_for(served)
    market, feed = AlpacaData(settings), AlpacaNews(settings)
    assets = await market.assets()
    symbols = [asset.symbol for asset in assets]
    async with httpx.AsyncClient() as control:
        now = datetime.fromisoformat((await control.get(f"{served}/_sim/clock")).json()["now"])
    snap = await market.snapshots([*symbols, "NOSUCH"])
    assert np.isfinite(snap.price).sum() >= len(symbols) * 0.9
    assert np.isnan(snap.price[-1])
    assert np.nanmax(snap.trade_at) <= now.timestamp()
    minute = await market.bars(symbols, "5Min", now - timedelta(hours=8), now + timedelta(hours=8))
    assert max(bars.start[-1] for bars in minute.values()) + 300 <= now.timestamp()
    daily = await market.bars(symbols, "1Day", now - timedelta(days=62), now)
    assert max(len(bars) for bars in daily.values()) >= 40
    assert max(bars.start[-1] for bars in daily.values()) < now.timestamp() - 20 * 3600
    news = await feed.headlines(symbols, now - timedelta(days=3), now)
    assert news
    assert all(now - timedelta(days=3) < one.published_at <= now for one in news)
    assert len(await market.sectors()) > len(symbols) * 0.5
    await market.close()
    await feed.close()
