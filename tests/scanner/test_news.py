"""A thin name that jumped, scanned with the real exchange's news: told, untold, listed, too late, out of reach."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest

from scripts.tapes.synthesize import synthesize
from services.exchange.api import bare_app
from services.exchange.flow import open_world
from services.scanner.flow import desk, scanning, views
from services.wiring import build_deps
from shared.deps import Deps
from shared.domain.cycle import ScanAnswer, ScanRequest
from tests.exchange.conftest import serving
from tests.scanner.conftest import MakeScan, settings_of

CYCLE = "20260615-110000"
NOW = datetime(2026, 6, 15, 15, 0, tzinfo=UTC)
CLOSED = "2026-06-12 20:00 UTC"
Item = tuple[datetime, str, tuple[str, ...]]
THIN = "NVDA"
STORY = "Company Wins a Landmark Contract"


def thin_tape(folder: Path, items: tuple[Item, ...]) -> None:
    """An invented market in which THIN is up by a quarter and has hardly traded, but for one day, until today."""
    synthesize(folder, seed=5, names=60)
    bars, daily = pl.read_parquet(folder / "bars.parquet"), pl.read_parquet(folder / "daily.parquet")
    opened = bars.filter(pl.col("symbol") == THIN)["open"][0]
    before, last = (pl.col("symbol") == THIN) & (pl.col("date") < NOW.date()), date(2026, 6, 5)
    shares = {"close": 1.0, "open": 1.0, "high": 1.02, "low": 0.98}
    changed = [
        pl.when(before).then(opened * 0.8 * part).otherwise(pl.col(name)).alias(name) for name, part in shares.items()
    ]
    volume = pl.when(before).then(pl.when(pl.col("date") == last).then(5_000_000).otherwise(100)).otherwise("volume")
    daily.with_columns(*changed, volume.cast(pl.Int64).alias("volume")).write_parquet(folder / "daily.parquet")
    news = pl.read_parquet(folder / "news.parquet")
    rows = [
        {"id": 900 + n, "published_at": at, "headline": text, "source": "wire", "symbols": list(names), "url": ""}
        for n, (at, text, names) in enumerate(items)
    ]
    told = [news.filter(~pl.col("symbols").list.contains(THIN)), pl.DataFrame(rows, schema=news.schema)]
    pl.concat(told).write_parquet(folder / "news.parquet")


MakeMarket = Callable[..., AbstractAsyncContextManager[Deps]]


@pytest.fixture
def market(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[MakeMarket]:
    """The scanner's deps before an exchange whose wire has just these items; frozen at eleven."""
    with ExitStack() as running:

        @asynccontextmanager
        async def make(*items: Item) -> AsyncIterator[Deps]:
            thin_tape(tmp_path, items)
            url = running.enter_context(serving(bare_app(open_world(tmp_path, start="11:00"))))
            async with build_deps(settings_of(database_url, redis_url, url), "scanner") as deps:
                yield deps

        yield make


async def scan(deps: Deps, as_of: datetime = NOW) -> tuple[ScanAnswer, str]:
    """The answer, and what `explain` says of THIN."""
    scanner = desk.Scanner(deps)
    request = ScanRequest(cycle_id=CYCLE, scan=1, as_of=as_of, limit=200)
    found = await scanning.scan(scanner, request)
    assert await scanning.scan(desk.Scanner(deps), request) == found, "asked again, the answer is the same"
    return found, (await views.explain(scanner, THIN, CYCLE, 1)).reason


async def test_without_news_it_is_dropped_and_the_reason_says_since_when(
    market: MakeMarket, make_scan: MakeScan
) -> None:
    await make_scan(CYCLE, 1)
    async with market() as deps:
        found, reason = await scan(deps)
    assert found.dropped["thin_jump"] == 1
    assert reason.startswith("thin_jump: ")
    assert reason.endswith(f"; no news since {CLOSED}")


async def test_with_news_of_its_own_it_is_kept_and_flagged(market: MakeMarket, make_scan: MakeScan) -> None:
    await make_scan(CYCLE, 1)
    async with market((NOW - timedelta(hours=3), STORY, (THIN,))) as deps:
        found, reason = await scan(deps)
        listed = await views.results(desk.Scanner(deps), CYCLE, 1, 200, None)
    assert "thin_jump" not in found.dropped
    remark = f"news of 2026-06-15 12:00 UTC: {STORY}"
    assert {one.symbol: one.remark for one in found.candidates if one.remark} == {THIN: remark}
    assert {one.symbol: one.remark for one in listed.candidates if one.remark} == {THIN: remark}
    assert reason.endswith(f"; kept for {remark}")
    assert listed.basis is not None
    assert listed.basis.news is not None
    assert (listed.basis.news.symbols, listed.basis.news.until) == ((THIN,), NOW)


@pytest.mark.parametrize(
    "item",
    [
        (NOW - timedelta(hours=3), "Top Premarket Gainers", (THIN,)),
        (NOW - timedelta(hours=3), STORY, (THIN, "AAPL", "MSFT", "TSLA")),
        (datetime(2026, 6, 12, 20, 0, tzinfo=UTC), STORY, (THIN,)),
        (NOW - timedelta(hours=3), STORY, ("AAPL",)),
    ],
    ids=["a list of movers", "one of many", "known before the close", "another's"],
)
async def test_what_is_no_news_of_its_own_does_not_keep_it(item: Item, market: MakeMarket, make_scan: MakeScan) -> None:
    await make_scan(CYCLE, 1)
    async with market(item) as deps:
        found, reason = await scan(deps)
    assert found.dropped["thin_jump"] == 1
    assert reason.endswith(f"; no news since {CLOSED}")


async def test_news_later_than_the_scan_is_not_known_to_it(market: MakeMarket, make_scan: MakeScan) -> None:
    """The wire has it by now; the scan is of a minute before."""
    await make_scan(CYCLE, 1)
    await make_scan(CYCLE, 2)
    async with market((NOW - timedelta(seconds=30), STORY, (THIN,))) as deps:
        found, reason = await scan(deps, NOW - timedelta(minutes=1))
        later = await scanning.scan(desk.Scanner(deps), ScanRequest(cycle_id=CYCLE, scan=2, as_of=NOW, limit=200))
    assert found.dropped["thin_jump"] == 1
    assert reason.endswith(f"; no news since {CLOSED}")
    assert "thin_jump" not in later.dropped


@pytest.mark.parametrize("fault", [{"kind": "503"}, {"kind": "hang", "seconds": 60}], ids=["down", "silent"])
async def test_a_wire_that_does_not_answer_drops_it_and_the_scan_goes_on(
    fault: dict[str, object], market: MakeMarket, make_scan: MakeScan
) -> None:
    await make_scan(CYCLE, 1)
    async with market((NOW - timedelta(hours=3), STORY, (THIN,))) as deps:
        async with httpx.AsyncClient() as control:
            await control.post(f"{deps.settings.alpaca_base_url}/_sim/faults", json={**fault, "match": "news"})
        found, reason = await scan(deps)
    assert found.dropped["thin_jump"] == 1
    assert found.stored > 20
    assert "; the news could not be asked: " in reason


async def test_without_a_source_of_headlines_it_is_dropped(market: MakeMarket, make_scan: MakeScan) -> None:
    await make_scan(CYCLE, 1)
    async with market() as deps:
        _, reason = await scan(replace(deps, news=()))
    assert reason.endswith("; the news could not be asked: there is no source of headlines")
