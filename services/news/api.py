"""News' routes."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query

from services.news import store
from services.news.flow.assess import Desk, assess_all, check_symbols, classify, open_desk, sentiment_now
from services.news.rules.answers import ClassifyAnswer, ClassifyRequest, ReaderHealth, SourceHealth
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, NewsAssessment
from shared.domain.news import NewsItem
from shared.errors import BadInput
from shared.web import new_app

ABOUT = "Headlines of the sources, what they say about a company, and one news score for each symbol."
EXAMPLE = {"symbols": ["NVDA", "AAPL"], "as_of": "2026-06-16T15:00:00Z"}
TEXTS = {"items": [{"text": "Globex to acquire Acme for $41 a share", "symbol": "ACME", "company": "Acme Corp"}]}
DAY = timedelta(hours=24)


def create_app(deps: Deps) -> FastAPI:
    """The news service."""
    desk = open_desk(deps)

    async def health() -> dict[str, Any]:
        rungs = {rung.reader.name: rung.health().status for rung in desk.ladder.rungs} | {"own": desk.ladder.own}
        sources = {source.feed.name: source.health().status for source in desk.sources}
        newest = max((source.newest for source in desk.sources if source.newest), default=None)
        return {"sources": sources, "readers": rungs, "newest_item_at": newest, "last_assess": desk.last_assess or None}

    app = new_app("news", deps, about=ABOUT, health=health)

    @app.post("/api/v1/assess", summary="Assess symbols as of a moment")
    async def assess(request: Annotated[AssessRequest, Body(examples=[EXAMPLE])]) -> NewsAssessment:
        """One entry for each symbol, in order. Idempotent for (cycle_id, scan). 503 when no wire answers."""
        return await assess_all(deps, desk, request)

    @app.get("/api/v1/sentiment/{symbol}", summary="One symbol's news now")
    async def sentiment(symbol: str) -> NewsAssessment:
        """Read on the spot and not stored. 404 for a symbol that the market does not know."""
        return await sentiment_now(deps, desk, symbol.upper())

    @app.get("/api/v1/news", summary="Stored items, newest first")
    async def news(
        symbol: str | None = None, since: datetime | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> tuple[NewsItem, ...]:
        """Items published after `since` (default: a day ago), about `symbol` where one is given."""
        if symbol is not None:
            check_symbols([symbol.upper()])
        if since is not None and since.tzinfo is None:
            raise BadInput("since needs an offset, such as Z", field="since")
        try:
            since = since and since.astimezone(UTC)
        except OverflowError as error:
            raise BadInput("since lies outside the years 1 to 9999 in UTC", field="since") from error
        start = since or await deps.clock.now() - DAY
        async with deps.pool.acquire() as connection:
            return await store.items_since(connection, symbol and symbol.upper(), start, limit)

    @app.post("/api/v1/classify", summary="Read texts as the funnel does")
    async def read_texts(request: Annotated[ClassifyRequest, Body(examples=[TEXTS])]) -> ClassifyAnswer:
        """Sentiment about the company, label, confidence, catalyst, reason and method of each text."""
        return await classify(desk, request)

    _add_health(app, desk)
    return app


def _add_health(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/v1/sources", summary="How the sources are doing")
    async def sources() -> tuple[SourceHealth, ...]:
        """One entry for each source, those that are off included: `detail` says why."""
        return tuple(source.health() for source in desk.sources)

    @app.get("/api/v1/readers", summary="How the rungs above our own reading are doing")
    async def readers() -> tuple[ReaderHealth, ...]:
        """Best first; empty where the operator configured neither a language model nor a classifier."""
        return tuple(rung.health() for rung in desk.ladder.rungs)
