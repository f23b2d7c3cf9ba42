"""Nobody sees the future: two worlds that differ only after a moment give the same answers at that moment."""

from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.exchange.api import bare_app
from services.exchange.flow import Conductor, World
from services.exchange.rules.clock import ClockState
from services.exchange.rules.tape import Columns, NewsItem, Tape
from services.exchange.store import load_tape

KEYS = {"APCA-API-KEY-ID": "K", "APCA-API-SECRET-KEY": "S"}
FAR = "2030-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def tape(small_tape: Path) -> Tape:
    return load_tape(small_tape)


def after(bars: Columns, at: float, step: int, seed: int) -> Columns:
    """Everything later than `at` is another market: bars move and vanish; the running bar keeps its open alone."""
    rng = np.random.default_rng(seed)
    open_, high, low, close = (column.copy() for column in (bars.open, bars.high, bars.low, bars.close))
    volume = bars.volume.copy()
    late, unfinished = bars.time > at, bars.time + step > at
    factor = rng.uniform(0.2, 5.0, len(open_))
    open_[late] *= factor[late]
    high[unfinished] = np.maximum(high, open_)[unfinished] * 3.0
    low[unfinished] = np.minimum(low, open_)[unfinished] / 3.0
    close[unfinished] = (open_ * 1.5)[unfinished]
    volume[unfinished] += rng.integers(1, 10**6, len(open_))[unfinished]
    keep = ~late | (rng.random(len(open_)) < 0.7)
    counts = np.add.reduceat(np.append(keep, False).astype(np.int64), bars.offsets[:-1])
    counts[bars.offsets[1:] == bars.offsets[:-1]] = 0
    offsets = np.concatenate(([0], np.cumsum(counts)))
    return Columns(offsets, bars.time[keep], open_[keep], high[keep], low[keep], close[keep], volume[keep])


def other_future(tape: Tape, at: float, seed: int) -> Tape:
    known = tape.news_until(at)
    rumours = (NewsItem(10**6 + k, at + 0.5 + k, f"rumour {seed}", "x", ("AAPL", "SPY"), "") for k in range(3))
    halts: dict[str, tuple[tuple[float, float], ...]] = {"AAPL": ((at + 1, at + 600),)}
    return replace(
        tape,
        bars=after(tape.bars, at, tape.bar_seconds, seed),
        news=(*known, *rumours),
        halts={symbol: spans for symbol, spans in tape.halts.items() if spans[0][0] <= at} | halts,
        delistings={symbol: when for symbol, when in tape.delistings.items() if when <= at} | {"SPY": at + 1},
    )


def app_at(tape: Tape, at: float) -> FastAPI:
    return bare_app(World(tape, Conductor(ClockState(now=at))))


def questions(symbols: str, one: str) -> list[tuple[str, dict[str, str]]]:
    asked: list[tuple[str, dict[str, str]]] = [
        (f"/v2/stocks/{kind}", {"symbols": symbols})
        for kind in ("snapshots", "trades/latest", "quotes/latest", "bars/latest")
    ]
    for timeframe in ("1Min", "5Min", "7Min", "1Hour", "1Day", "1Week", "1Month"):
        window = {"timeframe": timeframe, "start": "2026-05-01", "end": FAR}
        asked += [("/v2/stocks/bars", {"symbols": symbols, "sort": sort, **window}) for sort in ("asc", "desc")]
        asked.append((f"/v2/stocks/{one}/bars", {"limit": "3", **window}))
    asked += [
        (f"/v2/stocks/{one}/{kind}", {}) for kind in ("snapshot", "trades/latest", "quotes/latest", "bars/latest")
    ]
    asked += [("/v1beta1/news", {"limit": "50", "sort": sort, "end": FAR}) for sort in ("asc", "desc")]
    asked += [("/v1beta1/news", {"symbols": symbols, "start": "2026-06-15T13:30:00Z"})]
    asked += [(f"/v1beta1/screener/stocks/{kind}", {"top": "50"}) for kind in ("movers", "most-actives")]
    return [*asked, ("/v2/assets", {}), ("/v2/clock", {}), ("/v1/corporate-actions", {"symbols": symbols})]


async def answers(app: FastAPI, asked: list[tuple[str, dict[str, str]]]) -> list[str]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=KEYS) as http:
        return [f"{path} {(await http.get(path, params=params)).text}" for path, params in asked]


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_route_shows_the_future(tape: Tape, data: st.DataObject, seed: int) -> None:
    session = tape.session
    edges = st.integers(0, 390).map(lambda minute: session.open + 60 * minute)
    anywhere = st.floats(session.open - 7200, session.close + 7200, allow_nan=False)
    at = data.draw(st.one_of(edges, edges.map(lambda edge: edge - 0.001), anywhere), label="at")
    symbols = data.draw(st.lists(st.sampled_from(list(tape.index)), min_size=1, max_size=8), label="symbols")
    asked = questions(",".join({"AAPL", "SPY", *symbols}), symbols[0])
    assert await answers(app_at(tape, at), asked) == await answers(app_at(other_future(tape, at, seed), at), asked)


async def test_the_comparison_would_notice(tape: Tape) -> None:
    """The same two worlds, asked a minute later, do differ: the test above is not blind."""
    at = tape.session.open + 3600
    asked = questions("AAPL,SPY", "AAPL")
    ours = await answers(app_at(tape, at + 60), asked)
    theirs = await answers(app_at(other_future(tape, at, 1), at + 60), asked)
    different = {a.split()[0] for a, b in zip(ours, theirs, strict=True) if a != b}
    assert {"/v2/stocks/snapshots", "/v2/stocks/bars", "/v1beta1/news", "/v2/stocks/AAPL/bars"} <= different


async def test_a_moving_clock_never_shows_a_stale_or_a_later_board(tape: Tape) -> None:
    """One exchange whose clock moves on answers as one that was started at each moment."""
    clock = Conductor(ClockState(now=tape.session.open - 30))
    app, asked = bare_app(World(tape, clock)), questions("AAPL,SPY", "AAPL")
    edges = sorted(
        {edge for spans in tape.halts.values() for span in spans for edge in span} | {*tape.delistings.values()}
    )
    moments = [tape.session.open + s for s in (-1, 0, 1, 59.999, 60, 61, 300)] + edges
    for at in [*moments, tape.session.close - 1, tape.session.close, tape.session.close + 5]:
        await clock.advance_to(at)
        assert await answers(app, asked) == await answers(app_at(tape, at), asked)
