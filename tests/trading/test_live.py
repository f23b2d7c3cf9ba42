"""Time as it passes outside: nothing waits for the service, and only the stream says that something happened."""

import asyncio

from services.exchange.rules.knobs import VenueSettings
from tests.trading.bench import Bench, bench

CANCEL_SLOWLY = VenueSettings(spread_bps=0, partial_fill_fraction=0, cancel_latency_ms=1_500)


async def _status(b: Bench, wanted: str, within: float) -> bool:
    """Whether the position gets there in so many seconds of real time."""
    for _ in range(int(within / 0.1)):
        rows = await b.get("/positions")
        if rows and rows[0]["status"] == wanted:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_the_stream_alone_wakes_the_service(database_url: str) -> None:
    async with bench(database_url, live=True) as b:
        await asyncio.sleep(0.5)
        await b.send(await b.approve())
        assert await _status(b, "open", 10)
        assert (await b.position())["protected_quantity"] == 10


async def test_a_close_is_carried_through_without_waiting_for_the_next_slot(database_url: str) -> None:
    async with bench(database_url, live=True, settings=CANCEL_SLOWLY) as b:
        await b.send(await b.approve())
        assert await _status(b, "open", 10)
        await b.post("/positions/AAA/close")
        assert await _status(b, "closed", 15)
        assert b.book.ledger.qty("AAA") == 0
