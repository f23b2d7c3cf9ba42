"""What the wire says of the few names that only news can keep: one request a scan, and none where there are none."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from services.scanner.rules import story
from shared.deps import Deps
from shared.domain.news import Headline
from shared.errors import CatalystError
from shared.ports import NewsFeed
from shared.runtime.loops import outcome_of

# The wire answers in some milliseconds. A scan that waits longer for a handful of names keeps the whole market waiting.
MOST_SECONDS = 3.0
log = structlog.get_logger()


async def ask(deps: Deps, symbols: Sequence[str], since: datetime, until: datetime) -> story.NewsAsked | None:
    """What the first source of headlines has about each symbol in (since, until]; None where nobody is asked about.

    A source that does not answer is part of what is returned: without news the names are dropped all the same.
    """
    if not symbols:
        return None
    if not deps.news:
        return story.unheard(symbols, since, until, "there is no source of headlines")
    # News keeps a handful of names: no trouble with it may cost the scan.
    items = await outcome_of(_headlines(deps.news[0], symbols, since, until))
    if isinstance(items, Exception):
        trouble = _trouble(items)
        log.warning("news_not_asked", symbols=len(symbols), reason=trouble)
        return story.unheard(symbols, since, until, trouble)
    return story.heard(symbols, items, since, until)


async def _headlines(feed: NewsFeed, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
    async with asyncio.timeout(MOST_SECONDS):
        return await feed.headlines(symbols, since, until)


def _trouble(error: Exception) -> str:
    if isinstance(error, CatalystError):
        return error.detail
    return f"no answer in {MOST_SECONDS:.0f} s" if isinstance(error, TimeoutError) else type(error).__name__
