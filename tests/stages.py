"""Asking a stage of the funnel over HTTP, and the odd charts that each of them has to live with."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from shared.deps import Deps
from shared.domain.market import Bars
from tests.technical.world import NOW, Clock, Market, deps_around, stock

SYMBOLS = ["ZETA", "ACME", "BETA"]
ODD = ("one bar", "no volume", "constant", "nan", "all nan", "zero", "enormous", "tiny", "split")


def three_stocks() -> Market:
    """A market of SYMBOLS."""
    return Market(Clock(), {symbol: stock(symbol, seed) for seed, symbol in enumerate(SYMBOLS)})


@asynccontextmanager
async def visiting(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app; what breaks inside comes back as an answer, as it does over a wire."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def served(create_app: Callable[[Deps], FastAPI]) -> Any:
    """A fixture: a client of the app in the test's `market`."""

    @pytest.fixture
    async def web(pool: asyncpg.Pool, market: Market) -> AsyncIterator[httpx.AsyncClient]:
        async with visiting(create_app(deps_around(pool, market))) as client:
            yield client

    return web


async def ask(web: httpx.AsyncClient, **body: Any) -> httpx.Response:
    """Assess SYMBOLS now, unless `body` says otherwise."""
    return await web.post("/api/v1/assess", json={"symbols": SYMBOLS, "as_of": NOW.isoformat()} | body)


def broken(bars: Bars, kind: str) -> Bars:
    """The same chart with something wrong in the middle: one of ODD."""
    half, start = len(bars) // 2, bars.start
    rows = np.stack([bars.open, bars.high, bars.low, bars.close, bars.volume])
    match kind:
        case "one bar":
            return bars.slice(half, half + 1)
        case "no volume":
            rows[4] = 0.0
        case "constant":
            rows[:4] = 12.34
        case "nan":
            rows[:, half : half + 3] = np.nan
        case "all nan":
            rows[:] = np.nan
        case "zero":
            rows[:4, half] = 0.0
        case "enormous":
            rows *= 1e150
        case "tiny":
            rows[:4] *= 1e-12
        case "split":
            rows[:4, :half] *= 4.0
    opened, high, low, close, volume = rows
    return Bars(bars.symbol, start, opened, high, low, close, volume)
