"""One source in use: which stretch of time is covered for which symbol, and how the source is doing."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from services.news.flow.breaker import Breaker
from services.news.flow.heard import tidy
from services.news.rules.answers import SourceHealth
from shared.domain.news import Headline
from shared.errors import CatalystError, NotNow, Unavailable
from shared.ports import NewsFeed

OVERLAP = timedelta(minutes=10)
WIRE_TIMEOUT_S, OTHER_TIMEOUT_S, OTHER_TOTAL_S = 15.0, 3.0, 4.0
"""A scan waits for its wires. Of the others it takes what comes within a few seconds; the rest comes with the next."""
log = structlog.get_logger()


class Source:
    """A feed, its breaker, and what of it is known."""

    def __init__(self, feed: NewsFeed) -> None:
        self.feed, self.terms = feed, feed.terms
        self.breaker = Breaker(f"news source {feed.name}")
        self.items = 0
        self.newest: datetime | None = None
        self._covered: dict[str, tuple[datetime, datetime]] = {}

    def forget(self, before: datetime) -> None:
        """The covered stretches shrink to what is still remembered."""
        self._covered = {s: (max(a, before), b) for s, (a, b) in self._covered.items() if b > before}

    def covers(self, symbol: str, start: datetime, as_of: datetime) -> bool:
        first, last = self._covered.get(symbol, (as_of, start))
        return first <= start and last >= as_of

    async def top_up(
        self, symbols: Sequence[str], start: datetime, as_of: datetime, hear: Callable[[Headline, datetime], bool]
    ) -> None:
        """Ask for what is not covered yet: all since `start` for new symbols, the rest since last time.

        Raises Unavailable, from a wire; another source keeps its troubles to itself (and shows them in its health).
        """
        try:
            await self._ask_all(symbols, start, as_of, hear)
        except NotNow as error:
            self.breaker.waits(error.detail)
            if self.terms.is_wire:
                raise Unavailable(f"news source {self.feed.name}: {error.detail}") from error
        except Unavailable:
            if self.terms.is_wire:
                raise

    async def _ask_all(
        self, symbols: Sequence[str], start: datetime, as_of: datetime, hear: Callable[[Headline, datetime], bool]
    ) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + OTHER_TOTAL_S
        for since, wanted in self._wanted(symbols, start, as_of):
            for place in range(0, len(wanted), self.terms.at_once):
                if not self.terms.is_wire and loop.time() > give_up:
                    return
                part = wanted[place : place + self.terms.at_once]
                for item in await self._ask(part, since, as_of):
                    self.items += hear(tidy(item), as_of)
                    self.newest = max(self.newest or item.published_at, item.published_at)
                for symbol in part:
                    self._covered[symbol] = (min(since, self._covered.get(symbol, (since, since))[0]), as_of)

    def _wanted(
        self, symbols: Sequence[str], start: datetime, as_of: datetime
    ) -> tuple[tuple[datetime, list[str]], ...]:
        """Symbols that are new, with `start`; symbols whose answer is too old, with the oldest of their last times."""
        fresh: list[str] = []
        known: dict[str, datetime] = {}
        lasts = timedelta(seconds=self.terms.lasts_seconds)
        for symbol in symbols:
            first, last = self._covered.get(symbol, (as_of, start))
            if not first <= start <= last:
                fresh.append(symbol)
            elif last + lasts < as_of:
                known[symbol] = max(start, last - OVERLAP)
        return (start, fresh), (min(known.values(), default=as_of), list(known))

    async def _ask(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """One question. Raises Unavailable (at once while the source rests), NotNow."""
        self.breaker.check()
        seconds = WIRE_TIMEOUT_S if self.terms.is_wire else OTHER_TIMEOUT_S
        try:
            async with asyncio.timeout(seconds):
                found = await self.feed.headlines(symbols, since, until)
        except NotNow:
            raise
        except Exception as error:
            # Whatever a feed raises is that feed's trouble, never the scan's.
            detail = _trouble(error, seconds)
            self.breaker.failed(detail)
            log.warning("news_source_failed", source=self.feed.name, failures=self.breaker.failures, detail=detail)
            raise Unavailable(f"news source {self.feed.name}: {detail}") from error
        self.breaker.succeeded(until)
        return tuple(item for item in found if item.published_at <= until and item.told_at <= until)

    def health(self) -> SourceHealth:
        """How the source is doing."""
        breaker = self.breaker
        status, detail = breaker.status(self.terms.off)
        return SourceHealth.model_validate(
            {
                "name": self.feed.name,
                "kind": "wire" if self.terms.is_wire else "other",
                "status": status,
                "detail": detail,
                "items": self.items,
                "dropped": self.feed.dropped,
                "newest_item_at": self.newest,
                "last_success_at": breaker.last_success,
                "last_error": breaker.last_error,
                "failures_in_a_row": breaker.failures,
                "retry_in_s": round(breaker.rest_s, 1),
            }
        )


def _trouble(error: Exception, seconds: float) -> str:
    """What is said of it: nothing of a text that an unforeseen error carries, which may hold a key."""
    if isinstance(error, CatalystError):
        return error.detail
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:.0f} s"
    log.error("news_source_broke", exc_info=error)
    return f"its answer could not be used: {type(error).__name__}"
