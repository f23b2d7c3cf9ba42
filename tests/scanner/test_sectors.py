"""Sectors nobody has named yet, looked up at a local server that answers as Yahoo's search does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.scanner import store
from services.scanner.flow import desk, sectors
from shared.deps import Deps
from shared.runtime.loops import Loop, run_loop

LIVE = "https://paper-api.alpaca.markets"


class Yahoo:
    """Says what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.sectors = {"BRK-B": "Financial Services", "AAPL": "Technology"}
        self.status, self.body = 200, ""

    async def search(self, request: web.Request) -> web.Response:
        ticker = request.query["q"]
        self.asked.append(ticker)
        if self.body or self.status != 200:
            return web.Response(status=self.status, text=self.body)
        others = [{"symbol": f"{ticker}X", "sector": "Wrong"}, {"symbol": ticker, "quoteType": "ETF"}]
        known = [{"symbol": ticker, "sector": self.sectors[ticker]}] if ticker in self.sectors else []
        return web.json_response({"quotes": [*others, *known], "news": []})


@pytest.fixture
async def yahoo() -> Yahoo:
    return Yahoo()


@asynccontextmanager
async def serving(yahoo: Yahoo) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/v1/finance/search", yahoo.search)
    async with TestServer(app) as server:
        yield str(server.make_url("/v1/finance/search"))


async def said(yahoo: Yahoo, symbol: str) -> str | None:
    async with serving(yahoo) as url, aiohttp.ClientSession() as http:
        return await sectors.sector_of(http, url, symbol)


@pytest.mark.parametrize(("symbol", "sector"), [("AAPL", "Technology"), ("BRK.B", "Financial Services"), ("SPY", None)])
async def test_the_sector_of_exactly_the_symbol(yahoo: Yahoo, symbol: str, sector: str | None) -> None:
    assert await said(yahoo, symbol) == sector


@pytest.mark.parametrize(
    ("status", "body"), [(429, "Too Many Requests"), (200, "<html>"), (500, ""), (200, '{"quotes": 7}'), (302, "")]
)
async def test_refusals_are_errors_of_their_kind(yahoo: Yahoo, status: int, body: str) -> None:
    yahoo.status, yahoo.body = status, body
    with pytest.raises(sectors.Refusal):
        await said(yahoo, "AAPL")


async def test_nobody_is_asked_in_a_simulation_or_when_it_is_switched_off(deps: Deps) -> None:
    live = deps.settings.model_copy(update={"alpaca_base_url": LIVE})
    assert not sectors.allowed(deps)
    assert sectors.allowed(replace(deps, settings=live))
    off = live.model_copy(update={"enable_yahoo_news": False})
    assert not sectors.allowed(replace(deps, settings=off))


async def test_candidates_without_a_sector_are_classified_once_and_for_good(deps: Deps, yahoo: Yahoo) -> None:
    await deps.pool.execute("SELECT get_or_create_security(s) FROM unnest(ARRAY['AAPL', 'SPY', 'KNOWN']) AS s")
    await store.set_sector(deps.pool, "KNOWN", "Energy")
    scanner = desk.Scanner(replace(deps, settings=deps.settings.model_copy(update={"alpaca_base_url": LIVE})))
    scanner.unclassified = ("SPY", "AAPL")
    async with serving(yahoo) as url:
        loop = asyncio.create_task(
            run_loop(Loop("scanner", "sectors", partial(sectors.classify_next, scanner, url, 0.01)))
        )
        async with asyncio.timeout(20):
            known: dict[str, str] = {}
            while "AAPL" not in known:
                await asyncio.sleep(0.05)
                known = await store.read_sectors(deps.pool)
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
    assert yahoo.asked == ["SPY", "AAPL"], "each once, in the order of rank"
    await store.set_sector(deps.pool, "KNOWN", "Other")
    assert await store.read_sectors(deps.pool) == {"AAPL": "Technology", "KNOWN": "Energy"}
