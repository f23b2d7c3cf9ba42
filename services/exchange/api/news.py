"""Alpaca's news route. A headline exists from the second it was published, and reads as it was last edited."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from services.exchange.api import wire
from services.exchange.api.data import limit_of, moment_of, parts_of, symbols_of, token_of
from services.exchange.flow import World
from services.exchange.rules.tape import NewsEdit, NewsItem
from shared.domain.base import Value
from shared.errors import BadInput

MOST_ITEMS = 50
FALSE = {"", "false", "0", "no"}


class Edit(Value):
    """A correction, tags that come late, or a new item. What is left out stays; a new item needs a headline."""

    id: Annotated[int, Field(ge=1)]
    at: AwareDatetime | None = None
    headline: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    symbols: Annotated[tuple[str, ...], Field(max_length=100)] | None = None
    summary: Annotated[str, Field(max_length=10_000)] | None = None


class Shown(NamedTuple):
    """An item as it reads, and since when."""

    item: NewsItem
    updated_at: float
    summary: str = ""


def shown_at(items: Sequence[NewsItem], edits: Sequence[NewsEdit], at: float) -> list[Shown]:
    """What the wire shows at `at`, the edits up to then applied, in the order of their last change."""
    shown = {item.id: Shown(item, item.published_at) for item in items}
    for edit in sorted(edits, key=lambda one: one.at):
        if edit.at > at:
            break
        was = shown.get(edit.id) or Shown(NewsItem(edit.id, edit.at, "", "benzinga", (), ""), edit.at)
        item = was.item._replace(
            headline=was.item.headline if edit.headline is None else edit.headline,
            symbols=was.item.symbols if edit.symbols is None else edit.symbols,
        )
        shown[edit.id] = Shown(item, edit.at, was.summary if edit.summary is None else edit.summary)
    return sorted(shown.values(), key=lambda one: (one.updated_at, one.item.id))


def item_row(shown: Shown) -> dict[str, Any]:
    """The tape has headlines only: content is empty, and so is the summary unless it was edited."""
    item = shown.item
    return {
        "id": item.id,
        "headline": item.headline,
        "author": item.source,
        "created_at": wire.stamp(item.published_at),
        "updated_at": wire.stamp(shown.updated_at),
        "summary": shown.summary,
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
        """Published or changed in [start, end] about any of the symbols (all, when none is given), as it reads now."""
        span = moment_of(start, "start", 0.0), moment_of(end, "end", world.clock.now)
        wanted = set(symbols_of(symbols)) if symbols else set()
        count = limit_of(limit, MOST_ITEMS)
        if exclude_contentless.lower() not in FALSE:
            return wire.answer({"news": [], "next_page_token": None})
        now = world.clock.now
        rows = shown_at(world.tape.news_until(now), world.news_edits, now)
        rows = [one for one in rows if span[0] <= one.updated_at <= span[1]]
        rows = [one for one in rows if not wanted or not wanted.isdisjoint(one.item.symbols)]
        page, token = _page(rows, sort.lower() == "desc", count, page_token)
        return wire.answer({"news": [item_row(item) for item in page], "next_page_token": token})

    @router.post("/_sim/news", summary="Edit the wire", tags=["control plane"])
    async def edit(asked: Edit) -> Response:
        """From `at` on (default: now) the item reads so. Edits are not kept over a restart of the exchange."""
        now = world.clock.now
        at = now if asked.at is None else asked.at.timestamp()
        known = {item.id for item in world.tape.news} | {one.id for one in world.news_edits}
        if asked.id not in known and asked.headline is None:
            raise BadInput(f"there is no item {asked.id}: a new one needs a headline", field="headline")
        published = next((item.published_at for item in world.tape.news if item.id == asked.id), at)
        if at < max(now, published):
            raise BadInput("at lies in the past, or before the item is published", field="at")
        world.news_edits.append(NewsEdit(asked.id, at, asked.headline, asked.symbols, asked.summary))
        return wire.answer({"id": asked.id, "at": wire.stamp(at)})

    return router


def _page(rows: list[Shown], descending: bool, count: int, token: str) -> tuple[list[Shown], str | None]:
    rows = rows[::-1] if descending else rows
    if token:
        at, number = parts_of(token, 2)
        edge = (float(at), int(number))
        keys = ((one.updated_at, one.item.id) for one in rows)
        rows = [r for r, key in zip(rows, keys, strict=True) if (key < edge if descending else key > edge)]
    page = rows[:count]
    more = len(rows) > count
    return page, token_of(repr(page[-1].updated_at), page[-1].item.id) if more else None
