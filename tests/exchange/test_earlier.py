"""Intraday bars of the tape's sessions before the day that is played: served as the past, and nothing else of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from scripts.tapes.synthesize import synthesize
from services.exchange.api import bare_app
from services.exchange.api.desk import open_desk
from services.exchange.flow import Conductor, World
from services.exchange.rules import earlier
from services.exchange.rules.clock import ClockState
from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.tape import Tape
from services.exchange.store import load_tape, session_hours
from tests.exchange.conftest import Served, serving
from tests.exchange.test_no_future import app_at, questions
from tests.exchange.venues import OHLCV, columns

KEYS = {"APCA-API-KEY-ID": "K", "APCA-API-SECRET-KEY": "S"}
THURSDAY, MONDAY = date(2026, 6, 18), date(2026, 6, 22)  # The nineteenth is a holiday.
ABSENT = "MSFT"
"""Listed on the second day only."""
PAID = VenueSettings()
WHOLE_DAYS = {"1Day", "1Week", "1Month"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions of one-minute bars, over a holiday and a weekend."""
    folder = tmp_path_factory.mktemp("two-sessions")
    synthesize(folder, seed=5, first=THURSDAY, sessions=2, names=30)
    path = folder / "bars.parquet"
    bars = pl.read_parquet(path)
    bars.filter((pl.col("symbol") != ABSENT) | (pl.col("start").dt.date() == MONDAY)).write_parquet(path)
    return folder


@pytest.fixture(scope="module")
def first(folder: Path) -> Tape:
    return load_tape(folder, THURSDAY)


@pytest.fixture(scope="module")
def second(folder: Path) -> Tape:
    return load_tape(folder, MONDAY)


async def ask(tape: Tape, at: float, settings: VenueSettings, **params: str) -> httpx.Response:
    """Bars from Thursday midnight on, as known at `at`."""
    world = World(tape, Conductor(ClockState(now=at)))
    desk = open_desk(world, None, settings)
    params = {"timeframe": "5Min", "start": str(THURSDAY), "limit": "10000", **params}
    transport = httpx.ASGITransport(bare_app(world, desk))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=KEYS) as http:
        return await http.get("/v2/stocks/bars", params=params)


async def bars(tape: Tape, at: float, **params: str) -> dict[str, list[dict[str, Any]]]:
    answer = await ask(tape, at, PAID, **params)
    found: dict[str, list[dict[str, Any]]] = answer.raise_for_status().json()["bars"]
    return found


def days_of(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many bars of which day."""
    days = [row["t"][:10] for row in rows]
    return {day: days.count(day) for day in dict.fromkeys(days)}


@pytest.mark.parametrize("timeframe", ["1Min", "5Min", "7Min", "15Min", "30Min", "1Hour", "4Hour"])
async def test_the_day_before_is_told_as_on_that_day_and_the_day_as_without_it(
    first: Tape, second: Tape, timeframe: str
) -> None:
    now = second.session.open + 3600
    names = "AAPL,SPY,TSLA"
    before = await bars(first, first.session.close, symbols=names, timeframe=timeframe)
    day = await bars(replace(second, earlier=()), now, symbols=names, timeframe=timeframe)
    both = await bars(second, now, symbols=names, timeframe=timeframe)
    assert list(both) == ["AAPL", "SPY", "TSLA"]
    assert both == {symbol: before[symbol] + day[symbol] for symbol in both}
    assert both["SPY"] == sorted(both["SPY"], key=lambda row: row["t"])
    assert list(days_of(both["SPY"])) == ["2026-06-18", "2026-06-22"]


async def test_start_and_end_reach_across_the_days(second: Tape) -> None:
    now = second.session.open + 3600
    window = {"start": "2026-06-18T19:50:00Z", "end": "2026-06-22T13:40:00Z"}
    rows = (await bars(second, now, symbols="SPY", **window))["SPY"]
    assert [row["t"] for row in rows] == [
        "2026-06-18T19:50:00Z",
        "2026-06-18T19:55:00Z",
        "2026-06-22T13:30:00Z",
        "2026-06-22T13:35:00Z",
        "2026-06-22T13:40:00Z",
    ]
    last = {"start": str(THURSDAY), "end": "2026-06-19"}
    assert days_of((await bars(second, now, symbols="SPY", **last))["SPY"]) == {"2026-06-18": 78}
    today = await bars(second, now, symbols="SPY", start="")
    assert days_of(today["SPY"]) == {"2026-06-22": 12}


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 50, 77, 78, 79, 168])
async def test_pages_join_to_the_whole_across_days_and_names(second: Tape, sort: str, limit: int) -> None:
    now = second.session.open + 1800
    names = {"symbols": f"SPY,{ABSENT},AAPL", "sort": sort}
    whole = await bars(second, now, **names)
    assert {symbol: len(rows) for symbol, rows in whole.items()} == {"AAPL": 84, ABSENT: 6, "SPY": 84}
    stamps = [row["t"] for row in whole["SPY"]]
    assert stamps == sorted(stamps, reverse=sort == "desc")
    joined: dict[str, list[Any]] = {}
    token: str | None = ""
    while token is not None:
        page = (await ask(second, now, PAID, **names, limit=str(limit), page_token=token)).raise_for_status().json()
        assert 0 < sum(map(len, page["bars"].values())) <= limit
        for symbol, rows in page["bars"].items():
            joined.setdefault(symbol, []).extend(rows)
        token = page["next_page_token"]
    assert joined == whole


async def test_descending_begins_with_the_newest_and_goes_on_into_the_day_before(second: Tape) -> None:
    rows = (await bars(second, second.session.open + 600, symbols="SPY", sort="desc", limit="3"))["SPY"]
    assert [row["t"] for row in rows] == ["2026-06-22T13:35:00Z", "2026-06-22T13:30:00Z", "2026-06-18T19:55:00Z"]


@pytest.mark.parametrize("minutes", [-4000, -60, 0, 0.99, 1, 5, 61])
async def test_nothing_is_later_than_now_in_whichever_session_it_stands(
    first: Tape, second: Tape, minutes: float
) -> None:
    """The clock may also be put into a session before the day: then that one is cut as well."""
    for tape in (first, second):
        now = tape.session.open + minutes * 60
        for moment in (now, first.session.open + 2 * 3600 + 30):
            rows = (await bars(second, moment, symbols="SPY", timeframe="1Min", end="2030-01-01")).get("SPY", [])
            ends = [datetime.fromisoformat(row["t"]) + timedelta(minutes=1) for row in rows]
            assert all(end <= datetime.fromtimestamp(moment, UTC) for end in ends)
            assert len(rows) == sum(
                max(0, min(390, int((moment - session.open) // 60))) for session in (first.session, second.session)
            )


async def test_consolidated_data_of_the_day_before_are_old_enough_for_the_free_plan(second: Tape) -> None:
    basic, now = VenueSettings(recent_sip=False), second.session.open + 600
    old = {"symbols": "SPY", "start": str(THURSDAY), "end": "2026-06-19"}
    free = await ask(second, now, basic, feed="sip", **old)
    assert days_of(free.json()["bars"]["SPY"]) == {"2026-06-18": 78}
    one_venue = await ask(second, now, basic, feed="iex", symbols="SPY")
    assert days_of(one_venue.json()["bars"]["SPY"]) == {"2026-06-18": 78, "2026-06-22": 2}
    recent = await ask(second, now, basic, feed="sip", symbols="SPY", end="2026-06-22T13:40:00Z")
    assert (recent.status_code, "recent SIP data" in recent.text) == (403, True)


async def test_a_name_that_was_listed_later_begins_with_its_own_first_day(second: Tape) -> None:
    found = await bars(second, second.session.open + 1800, symbols=f"{ABSENT},SPY")
    assert days_of(found[ABSENT]) == {"2026-06-22": 6}
    assert days_of(found["SPY"]) == {"2026-06-18": 78, "2026-06-22": 6}
    assert await bars(second, second.session.open - 60, symbols=ABSENT) == {}


async def test_the_first_session_and_everything_but_intraday_bars_stay_as_they_were(first: Tape, second: Tape) -> None:
    assert first.earlier == ()
    alone = replace(second, earlier=())
    asked = [one for one in questions("AAPL,SPY,MSFT", "AAPL") if one[1].get("timeframe", "1Day") in WHOLE_DAYS]
    assert {path.rpartition("/")[2] for path, _ in asked} >= {"snapshots", "snapshot", "bars", "latest", "movers"}
    for at in (second.session.open - 60, second.session.open + 95):
        for path, params in asked:
            assert await text(second, at, path, params) == await text(alone, at, path, params)


async def text(tape: Tape, at: float, path: str, params: Mapping[str, str]) -> str:
    transport = httpx.ASGITransport(app_at(tape, at))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=KEYS) as http:
        return (await http.get(path, params=dict(params))).text


def test_the_sdk_reads_them_and_the_tape_says_how_many_there_are(folder: Path, second: Tape) -> None:
    from alpaca.data.historical import StockHistoricalDataClient
    from alpaca.data.requests import StockBarsRequest
    from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

    world = World(second, Conductor(ClockState(now=second.session.open + 600)))
    with serving(bare_app(world)) as url:
        exchange = Served(url, world)
        five = TimeFrame(5, TimeFrameUnit.Minute)
        wanted = StockBarsRequest(symbol_or_symbols="SPY", timeframe=five, start=datetime(2026, 6, 18, tzinfo=UTC))
        found: Any = StockHistoricalDataClient("K", "S", url_override=exchange.url).get_stock_bars(wanted)
        assert len(found["SPY"]) == 80
        told = httpx.get(f"{exchange.url}/_sim/tape").json()
    written = pl.read_parquet(folder / "bars.parquet").filter(pl.col("start").dt.date() == THURSDAY)
    assert (told["day"], told["earlier_bars"]) == ("2026-06-22", len(written))


def test_prices_volumes_and_times_survive_being_packed() -> None:
    rows: list[tuple[int, float, OHLCV]] = [
        (0, 1_781_530_200.0, (0.0001, 1234.5678, 0.0001, 99.99, 57_225_040)),
        (2, 1_781_530_200.0, (6529.02, 6529.0201, 0.9999, 1.0, 0)),
        (2, 1_781_530_500.0, (10.005, 10.01, 10.0, 10.0049, 4_294_967_295)),
    ]
    plain = columns(rows, 3)
    prices = (plain.open, plain.high, plain.low, plain.close)
    small = earlier.packed(1.0, plain.offsets, plain.time, prices, plain.volume)
    assert sum(column.nbytes for column in (small.time, *small.prices, small.volume)) == 24 * 3
    for i in range(3):
        part = slice(*plain.rows(i))
        wanted = (plain.time[part], *(column[part] for column in prices), plain.volume[part])
        assert all(np.array_equal(a, b) for a, b in zip(small.bars(i, 2e9), wanted, strict=True))
    assert [len(column) for column in small.bars(2, 1_781_530_499.9)] == [1] * 6
    dear = earlier.packed(1.0, plain.offsets, plain.time, [column + 742_000 for column in prices], plain.volume)
    assert dear.bars(0, 2e9)[1].tolist() == [742_000.0001]


def test_only_the_sessions_right_before_the_day_are_kept() -> None:
    week = [date(2026, 6, day) for day in (8, 9, 10, 11, 12)]
    assert earlier.days_before(date(2026, 6, 15), week) == [date(2026, 6, day) for day in (12, 11, 10)]
    assert earlier.days_before(date(2026, 6, 12), [*week[:2], *week[3:]]) == [date(2026, 6, 11)]
    assert earlier.days_before(MONDAY, [THURSDAY, MONDAY]) == [THURSDAY]
    assert earlier.days_before(date(2026, 6, 8), week) == []


def test_a_tape_too_fine_to_be_kept_serves_the_day_alone(folder: Path, second: Tape) -> None:
    (kept,) = second.earlier
    assert kept.closes == session_hours(THURSDAY).close
    assert len(load_tape(folder, MONDAY, most_earlier=len(kept.time)).earlier) == 1
    assert load_tape(folder, MONDAY, most_earlier=len(kept.time) - 1).earlier == ()
