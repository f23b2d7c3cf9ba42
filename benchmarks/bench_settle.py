"""How long trading takes from its start to "reconciled and trading", with much behind it and much on its hands.

A real PostgreSQL and the simulated exchange: 25 positions whose brackets are 50 open orders, and 5,000 orders of other
days in the books. What is timed is the service's own start, its first reconciliation, and the first entry it accepts.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import asyncpg

from database.migrate import migrate
from scripts.embedded import address, start_postgres
from tests.exchange.venues import flat_bars, tape_of
from tests.trading.bench import Bench, bench

POSITIONS, HISTORY, ROUNDS, MOST_SECONDS = 25, 5_000, 5, 3.0
PAST = (
    "INSERT INTO orders (order_id, client_order_id, broker_order_id, symbol, side, purpose, type, status, quantity,"
    " filled_quantity, booked_quantity, created_at, submitted_at, updated_at)"
    " SELECT gen_random_uuid(), 'past-' || n, 'b-' || n, $2, CASE n % 2 WHEN 0 THEN 'buy' ELSE 'sell' END, 'foreign',"
    " 'market', CASE n % 3 WHEN 0 THEN 'canceled' ELSE 'filled' END, 10, CASE n % 3 WHEN 0 THEN 0 ELSE 10 END,"
    " CASE n % 3 WHEN 0 THEN 0 ELSE 10 END, at, at, at"
    " FROM (SELECT n, timestamptz '2026-01-05 15:00Z' + n * interval '20 minutes' AS at FROM generate_series(1, $1) n)"
    " AS past"
)


async def _prepared(play: Bench) -> None:
    for number in range(POSITIONS):
        answer = await play.send(await play.approve(f"S{number:02}", 2))
        assert answer.status_code == 200, answer.text
    await play.until(10.0)
    await play.pool.execute(PAST, HISTORY, "S00")
    open_orders = len(list(play.book.live_orders()))
    assert open_orders == 2 * POSITIONS, open_orders


async def _once(play: Bench, number: int) -> float:
    """Seconds from nothing to the first accepted entry."""
    await play.stop()
    order = await play.approve(f"T{number:02}", 2)
    began = perf_counter()
    await play.start()
    answer = await play.send(order)
    seconds = perf_counter() - began
    assert answer.status_code == 200, answer.text
    await play.until(5.0)
    return seconds


async def measure(admin_url: str) -> list[float]:
    """A start in each round."""
    admin = await asyncpg.connect(admin_url)
    await admin.execute("CREATE DATABASE settle")
    await admin.close()
    await migrate(address(admin_url, database="settle"), "bench", "bench")
    names = [f"S{number:02}" for number in range(POSITIONS)] + [f"T{number:02}" for number in range(ROUNDS)]
    url = address(admin_url, database="settle", user="catalyst_app", password="bench")
    async with bench(url, tape=tape_of({name: flat_bars(50.0) for name in names}, previous=50.0)) as play:
        await _prepared(play)
        return [await _once(play, number) for number in range(ROUNDS)]


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="catalyst-settle-"))
    folder.chmod(0o711)
    server = start_postgres(folder, durable=False)
    try:
        seconds = asyncio.run(measure(server.url))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    told = {"median_seconds": round(median(seconds), 3), "worst_seconds": round(max(seconds), 3),
            "open_orders": 2 * POSITIONS, "historical_orders": HISTORY, "most_seconds": MOST_SECONDS}  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if max(seconds) <= MOST_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main())
