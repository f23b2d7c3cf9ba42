"""Rows of news_items (one for each item of a source), news_versions (how an item read from when on) and news_sentiment
(one for each symbol and scan)."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import orjson

from shared.domain.news import Headline, NewsEvidence, NewsItem
from shared.journal import Connection


async def save_items(connection: Connection, items: Sequence[Headline], received_at: datetime) -> int:
    """Store each item as it reads now, all at once. Returns how many changed.

    A later version takes the place of the text and the symbols; the same version gets the symbols it lacks.
    """
    rows = orjson.dumps([item.model_dump() for item in items]).decode()
    status: str = await connection.execute(
        "INSERT INTO news_items (source, source_id, published_at, received_at, headline, summary, url, updated_at,"
        " symbols)"
        " SELECT source, id, published_at, $2, headline, summary, url, updated_at,"
        " ARRAY(SELECT jsonb_array_elements_text(r.symbols))"
        " FROM jsonb_to_recordset($1::text::jsonb) AS r(source text, id text, published_at timestamptz,"
        " headline text, summary text, url text, updated_at timestamptz, symbols jsonb)"
        " ON CONFLICT (source, source_id) DO UPDATE SET"
        " headline = excluded.headline, summary = excluded.summary, updated_at = excluded.updated_at,"
        " symbols = CASE WHEN excluded.updated_at > coalesce(news_items.updated_at, news_items.published_at)"
        " THEN excluded.symbols ELSE ARRAY("
        " SELECT DISTINCT s FROM unnest(news_items.symbols || excluded.symbols) AS s ORDER BY s) END"
        " WHERE excluded.updated_at > coalesce(news_items.updated_at, news_items.published_at)"
        " OR (excluded.updated_at IS NOT DISTINCT FROM news_items.updated_at"
        " AND NOT news_items.symbols @> excluded.symbols)",
        rows,
        received_at,
    )
    return int(status.rpartition(" ")[2])


async def save_versions(connection: Connection, items: Sequence[Headline], received_at: datetime) -> int:
    """Store how each item reads from its `told_at` on; versions that are stored stay. Returns how many are new."""
    rows = orjson.dumps([item.model_dump() | {"told_at": item.told_at} for item in items]).decode()
    status: str = await connection.execute(
        "INSERT INTO news_versions (source, source_id, told_at, received_at, headline, summary, symbols)"
        " SELECT source, id, told_at, $2, headline, summary, ARRAY(SELECT jsonb_array_elements_text(r.symbols))"
        " FROM jsonb_to_recordset($1::text::jsonb) AS r(source text, id text, told_at timestamptz,"
        " headline text, summary text, symbols jsonb)"
        " ON CONFLICT (source, source_id, told_at) DO NOTHING",
        rows,
        received_at,
    )
    return int(status.rpartition(" ")[2])


async def link_stories(connection: Connection, links: dict[tuple[str, str], tuple[str, str]]) -> int:
    """Point each item at the first item of its story; links that exist stay. Returns how many were made."""
    status: str = await connection.execute(
        "UPDATE news_items AS item SET story_id = coalesce(first.story_id, first.item_id)"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS link(source, id, first_source, first_id)"
        " JOIN news_items AS first ON first.source = link.first_source AND first.source_id = link.first_id"
        " WHERE item.source = link.source AND item.source_id = link.id AND item.story_id IS NULL",
        [source for source, _ in links],
        [item for _, item in links],
        [source for source, _ in links.values()],
        [item for _, item in links.values()],
    )
    return int(status.rpartition(" ")[2])


async def items_since(connection: Connection, symbol: str | None, since: datetime, limit: int) -> tuple[NewsItem, ...]:
    """Stored items published after a moment, newest first."""
    rows = await connection.fetch(
        "SELECT item_id, story_id, source, published_at, received_at, headline, summary, url, symbols FROM news_items"
        " WHERE published_at > $1 AND ($2::text IS NULL OR symbols @> ARRAY[$2::text])"
        " ORDER BY published_at DESC, item_id DESC LIMIT $3",
        since,
        symbol,
        limit,
    )
    return tuple(NewsItem(**dict(row)) for row in rows)


async def save_evidence(
    pool: asyncpg.Pool, evidence: Sequence[NewsEvidence], as_of: datetime, cycle_id: str | None, scan: int | None
) -> int:
    """Store them all at once, naming new securities; what a scan already has stays as it is. Returns how many were new.

    COPY cannot step over rows that exist, hence one INSERT of one JSON array. Its order is the order in which new
    securities are locked: callers sort by symbol, so that no two of them block each other.
    """
    rows = orjson.dumps([one.model_dump() for one in evidence]).decode()
    status: str = await pool.execute(
        "INSERT INTO news_sentiment"
        " (cycle_id, scan, symbol, as_of, score, sentiment, confidence, catalyst, items, latest_at, headline, reason)"
        " SELECT $1, $2, symbol, $3, score, sentiment, confidence, catalyst, items, latest_at, headline, reason"
        " FROM jsonb_to_recordset($4::text::jsonb) AS r(symbol text, score float8, sentiment float8,"
        " confidence float8, catalyst text, items int, latest_at timestamptz, headline text, reason text),"
        " get_or_create_security(r.symbol)"
        " ON CONFLICT (cycle_id, scan, symbol) DO NOTHING",
        cycle_id,
        scan,
        as_of,
        rows,
    )
    return int(status.rpartition(" ")[2])


async def stored(
    pool: asyncpg.Pool, cycle_id: str | None, scan: int | None, symbols: Sequence[str]
) -> dict[str, NewsEvidence]:
    """What this scan already knows about these symbols; nothing outside a scan."""
    rows = await pool.fetch(
        "SELECT symbol, score, sentiment, confidence, catalyst, items, latest_at, headline, reason FROM news_sentiment"
        " WHERE cycle_id = $1 AND scan = $2 AND symbol = ANY($3::text[])",
        cycle_id,
        scan,
        list(symbols),
    )
    return {row["symbol"]: NewsEvidence(**dict(row)) for row in rows}
