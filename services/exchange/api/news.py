"""Alpaca's news route. A headline exists from the second it was published."""

from typing import Any, Literal

from fastapi import APIRouter, Response

from services.exchange.api import wire
from services.exchange.api.data import limit_of, moment_of, parts_of, symbols_of, token_of
from services.exchange.flow import World
from services.exchange.rules.tape import NewsItem

MOST_ITEMS = 50
FALSE = {"", "false", "0", "no"}


def item_row(item: NewsItem) -> dict[str, Any]:
    """The tape has headlines only: summary and content are empty."""
    published = wire.stamp(item.published_at)
    return {
        "id": item.id,
        "headline": item.headline,
        "author": item.source,
        "created_at": published,
        "updated_at": published,
        "summary": "",
        "content": "",
        "url": item.url,
        "images": [],
        "symbols": list(item.symbols),
        "source": item.source or "wire",
    }


def routes(world: World) -> APIRouter:
    """/v1beta1/news."""
    router = APIRouter(route_class=wire.AlpacaRoute, tags=["news"])

    @router.get("/v1beta1/news", summary="Headlines, newest first")
    async def news(
        symbols: str = "",
        start: str | None = None,
        end: str | None = None,
        limit: int = 10,
        sort: Literal["asc", "desc", "ASC", "DESC"] = "desc",
        page_token: str = "",
        include_content: str = "",
        exclude_contentless: str = "",
    ) -> Response:
        """Published in [start, end] about any of the symbols (all, when none is given)."""
        span = moment_of(start, "start", 0.0), moment_of(end, "end", world.clock.now)
        wanted = set(symbols_of(symbols)) if symbols else set()
        count = limit_of(limit, MOST_ITEMS)
        if exclude_contentless.lower() not in FALSE:
            return wire.answer({"news": [], "next_page_token": None})
        rows = [item for item in world.tape.news_until(world.clock.now) if span[0] <= item.published_at <= span[1]]
        rows = [item for item in rows if not wanted or not wanted.isdisjoint(item.symbols)]
        page, token = _page(rows, sort.lower() == "desc", count, page_token)
        return wire.answer({"news": [item_row(item) for item in page], "next_page_token": token})

    return router


def _page(rows: list[NewsItem], descending: bool, count: int, token: str) -> tuple[list[NewsItem], str | None]:
    rows = rows[::-1] if descending else rows
    if token:
        at, number = parts_of(token, 2)
        edge = (float(at), int(number))
        keys = ((item.published_at, item.id) for item in rows)
        rows = [r for r, key in zip(rows, keys, strict=True) if (key < edge if descending else key > edge)]
    page = rows[:count]
    more = len(rows) > count
    return page, token_of(repr(page[-1].published_at), page[-1].id) if more else None
