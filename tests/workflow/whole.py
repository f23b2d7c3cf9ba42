"""One scan through the real services, all in this process: the simulated exchange with a frozen clock, real PostgreSQL
and Valkey, every answer and every stored row kept for comparison.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import polars as pl
import yaml

from config.settings import Settings
from scripts.child import free_ports
from scripts.embedded import Server, address
from services.__main__ import serve
from tests.roles import APP_PASSWORD

SERVICES = ("exchange", "scanner", "news", "pattern", "technical", "risk-manager", "trading", "workflow")
STAGES = ("news", "pattern", "technical")
CONFIG = Path(__file__).parents[2] / "config"
PATIENCE_SECONDS = 90.0
WITHOUT = {
    "scans": ("{stage_ms}", "{request_id}"),
    "events": ("{event_id}", "{recorded_at}", "{payload,request_id}"),
}
"""What times the machine, or numbers the journal in which eight services write as they come."""
NOT_OF_THE_SCAN = frozenset({"schema_migrations", "alert_deliveries"})
"""Made at the wall's time: when the schema was made, when the mail is tried next."""
Answers = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Everything that one scan answered and left behind."""

    answers: Answers
    rows: dict[str, list[str]]


def shuffled(tape: Path, into: Path, seed: int) -> Path:
    """The same tape with the rows of its universe, bars and daily rows in another order."""
    into.mkdir(parents=True)
    for path in tape.iterdir():
        (into / path.name).write_bytes(path.read_bytes())
    for name in ("universe", "bars", "daily"):
        table = pl.read_parquet(tape / f"{name}.parquet")
        order = list(range(len(table)))
        random.Random(seed).shuffle(order)
        table[order].write_parquet(into / f"{name}.parquet")
    return into


def configuration(folder: Path) -> Path:
    """Autonomous, with limits wide enough that the scan sends orders."""
    folder.mkdir(parents=True)
    trading = yaml.safe_load((CONFIG / "trading_config.yaml").read_text())
    trading["session"]["mode"], trading["workflow"]["auto_execute"] = "autonomous", True
    trading["funnel"]["min_composite_score"] = 0.3
    (folder / "trading_config.yaml").write_text(yaml.safe_dump(trading))
    (folder / "risk_parameters.yaml").write_text((CONFIG / "risk_parameters.yaml").read_text())
    return folder


@asynccontextmanager
async def database(server: Server, template: str, name: str) -> AsyncIterator[str]:
    """A fresh migrated database of that name, seen by its owner."""
    admin = await asyncpg.connect(server.url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield address(server.url, database=name)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@asynccontextmanager
async def running(admin_url: str, redis_url: str, tape: Path, folder: Path) -> AsyncIterator[dict[str, str]]:
    """The services on free ports once all of them are healthy; their addresses by name."""
    urls = {name: f"http://127.0.0.1:{port}" for name, port in zip(SERVICES, free_ports(len(SERVICES)), strict=True)}
    redis = httpx.URL(redis_url)
    settings = Settings(
        _env_file=None,
        database_url=address(admin_url, user="catalyst_app", password=APP_PASSWORD),
        redis_port=redis.port or 0,
        redis_password=redis.password or "",
        service_urls=urls,
        alpaca_base_url=urls["exchange"],
        enable_autonomous_trading=True,
        enable_yahoo_news=False,
        config_folder=configuration(folder / "config"),
        log_folder=folder / "logs",
        exchange_tape=tape,
        exchange_start="10:30",
    )
    stop = asyncio.Event()
    tasks = [asyncio.create_task(serve(name, settings, stop)) for name in SERVICES]
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            await asyncio.wait_for(_all_healthy(http, urls, tasks), PATIENCE_SECONDS)
        yield urls
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _all_healthy(http: httpx.AsyncClient, urls: dict[str, str], tasks: Sequence["asyncio.Task[None]"]) -> None:
    waiting = dict(urls)
    while waiting:
        for task in tasks:
            if task.done():
                task.result()
        for name, url in list(waiting.items()):
            try:
                if (await http.get(f"{url}/health")).is_success:
                    del waiting[name]
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.05)


async def scan_once(admin_url: str, urls: dict[str, str], seed: int | None) -> Outcome:
    """A cycle by hand, one scan, and all that can be asked about it.

    With a seed the stages are asked once more, outside the scan, about the same symbols in another order.
    """
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:

        async def ask(method: str, service: str, path: str, body: Any = None) -> Any:
            answer = await http.request(method, f"{urls[service]}/api/v1{path}", json=body)
            return answer.raise_for_status().json()

        cycle = (await ask("POST", "workflow", "/cycles", {"mode": "normal"}))["cycle_id"]
        found: Answers = {"scan": await ask("POST", "scanner", "/scan")}
        where = f"cycle_id={cycle}&scan=1"
        found["candidates"] = await ask("GET", "scanner", f"/candidates?{where}&limit=200")
        symbols = [one["symbol"] for one in found["candidates"]["candidates"]]
        found["explain"] = [await ask("GET", "workflow", f"/cycles/{cycle}/explain/{one}") for one in symbols]
        found["near misses"] = await ask("GET", "workflow", f"/cycles/{cycle}/near-misses?limit=200")
        rows = await _rows(admin_url)
        if seed is not None:
            random.Random(seed).shuffle(symbols)
        clock = (await http.get(f"{urls['exchange']}/_sim/clock")).json()["now"]
        for stage in STAGES:
            answer = await ask("POST", stage, "/assess", {"symbols": symbols, "as_of": clock})
            found[stage] = sorted(answer["evidence"], key=lambda one: str(one["symbol"]))
    return Outcome(found, rows)


async def _rows(admin_url: str) -> dict[str, list[str]]:
    """Every row of every table as text, sorted."""
    connection = await asyncpg.connect(admin_url)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    found = {}
    for name in (row["tablename"] for row in tables):
        if name not in NOT_OF_THE_SCAN:
            without = "".join(f" #- '{column}'" for column in WITHOUT.get(name, ()))
            rows = await connection.fetch(f'SELECT (to_jsonb(t){without})::text AS row FROM "{name}" t')
            found[name] = sorted(row["row"] for row in rows)
    await connection.close()
    return found
