"""The last rung of the sector ladder: candidates that neither the tape nor the file nor our records classify.

Yahoo Finance's public search says a stock's sector; it is what the yfinance package asks, which brings pandas with it.
Off in simulations and without ENABLE_YAHOO_NEWS, which allows all requests to Yahoo. What nobody classifies has no
sector; risk counts all such names as one.
"""

import asyncio

import aiohttp
import msgspec
import structlog

from services.scanner import store
from services.scanner.flow.desk import Scanner
from shared.deps import Deps

URL = "https://query2.finance.yahoo.com/v1/finance/search"
AGENT = "Mozilla/5.0 (compatible; CatalystTrading/1.0)"
# News asks the same host up to twelve times a minute; both together stay far below what gets an address blocked.
EVERY_SECONDS, REST_SECONDS, TIMEOUT_SECONDS, MOST_BYTES = 10.0, 3600.0, 10.0, 1_000_000
log = structlog.get_logger()


class _Quote(msgspec.Struct):
    symbol: str = ""
    sector: str = ""


class _Answer(msgspec.Struct):
    quotes: list[_Quote] = msgspec.field(default_factory=list)


_ANSWER = msgspec.json.Decoder(_Answer)
Refusal = (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, UnicodeDecodeError)


def allowed(deps: Deps) -> bool:
    """True where Yahoo may be asked."""
    return deps.settings.broker != "simulated" and deps.settings.enable_yahoo_news


async def classify_next(scanner: Scanner, url: str = URL, every_seconds: float = EVERY_SECONDS) -> None:
    """Look up one unclassified candidate, each once, and rest; after a refusal rest for an hour."""
    rest, symbol = every_seconds, next((one for one in scanner.unclassified if one not in scanner.names_asked), None)
    if symbol is not None:
        scanner.names_asked.add(symbol)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        try:
            async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": AGENT}) as http:
                found = await sector_of(http, url, symbol)
        except Refusal as error:
            rest = REST_SECONDS
            log.warning("sector_not_found", symbol=symbol, reason=f"{type(error).__name__}: {error}")
        else:
            await classify(scanner, symbol, found)
    await asyncio.sleep(rest)


async def sector_of(http: aiohttp.ClientSession, url: str, symbol: str) -> str | None:
    """The sector that the search gives for exactly this symbol. Raises one of Refusal."""
    ticker = symbol.replace(".", "-")
    params: dict[str, str | int] = {"q": ticker, "quotesCount": 5, "newsCount": 0}
    async with http.get(url, params=params, allow_redirects=False) as answer:
        answer.raise_for_status()
        found = _ANSWER.decode(await answer.content.read(MOST_BYTES))
    return next((quote.sector for quote in found.quotes if quote.symbol == ticker and quote.sector), None)


async def classify(scanner: Scanner, symbol: str, sector: str | None) -> None:
    """Keep a sector that was found, for the running day and for good."""
    if sector is None:
        return
    await store.set_sector(scanner.deps.pool, symbol, sector)
    if scanner.desk is not None:
        scanner.desk.sectors[symbol] = sector
    log.info("sector_found", symbol=symbol, sector=sector)
