"""Nights: what may be held over the close is protected through it; what was held against the setting gets its stop
before the open, and a person is told."""

from pathlib import Path

import asyncpg
import pytest

from tests.exchange.venues import CLOSE, OPEN
from tests.trading.bench import bench, market_time


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    """The configuration with the end of the day switched off."""
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        text = (Path("config") / name).read_text()
        text = text.replace("close_all_at_market_close: true", "close_all_at_market_close: false")
        (tmp_path / name).write_text(text)
    return tmp_path


async def test_what_may_be_held_over_night_keeps_its_stop(database_url: str, nights: Path) -> None:
    async with bench(database_url, config=nights, now=CLOSE - 1500) as b:
        await b.bought()
        assert {order.time_in_force for order in b.book.orders.values()} == {"gtc"}
        await b.until(market_time(16, 5))
        assert (b.book.ledger.qty("AAA"), (await b.position())["protected_quantity"]) == (10, 10)
        assert await b.alerts() == []


async def test_protection_that_vanished_is_renewed_for_the_night_too(database_url: str, nights: Path) -> None:
    async with bench(database_url, config=nights, now=CLOSE - 1500) as b:
        await b.bought()
        for order in list(b.book.live_orders()):
            b.exchange.ask("BENCH", "cancel", {"order_id": order.id})
        await b.until(market_time(16, 5))
        assert {order.time_in_force for order in b.book.live_orders()} == {"gtc"}
        assert (await b.position())["protected_quantity"] == 10


async def test_what_goes_into_the_night_without_a_lasting_stop_is_told_before(database_url: str, nights: Path) -> None:
    async with bench(database_url, now=CLOSE - 1500) as b:
        await b.bought()
        await b.stop()
        b.settings = b.settings.model_copy(update={"config_folder": nights})
        await b.start()
        await b.until(market_time(15, 59))
        assert ("critical", "unprotected_overnight") in await b.alerts()


async def test_what_was_held_over_night_has_its_stop_before_the_open(
    database_url: str, admin_database_url: str
) -> None:
    async with bench(database_url, now=OPEN - 5400) as b:
        await b.stop()
        b.holds("AAA", "10", "100")
        admin = await asyncpg.connect(admin_database_url)
        await admin.execute("SELECT get_or_create_security('AAA')")
        await admin.execute(
            "INSERT INTO positions (position_id, symbol, side, status, quantity, entry_quantity, entry_price,"
            " entry_time, exit_reason, stop_price, take_profit_price, updated_at)"
            " VALUES (gen_random_uuid(), 'AAA', 'long', 'open',"
            " 10, 10, 100, $1::timestamptz - interval '1 day', 'close_of_day', 98, 106, $1)",
            b.now,
        )
        await admin.close()
        await b.start()
        await b.until(60.0)
        assert b.now.timestamp() < OPEN
        assert {(order.type, order.stop_price) for order in b.book.live_orders() if order.type == "stop"} == {
            ("stop", 98)
        }
        assert ("critical", "held_overnight") in await b.alerts()
        await b.until(OPEN - b.now.timestamp() + 60)
        assert (b.book.ledger.qty("AAA"), await b.get("/positions?status=open")) == (0, [])
