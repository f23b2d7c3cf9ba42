"""A bracket from approval to its end, and what is refused on the way in."""

from decimal import Decimal

from tests.trading.bench import bench, moving


async def test_a_bracket_runs_to_its_target(database_url: str) -> None:
    async with bench(database_url, moving(103, 107)) as b:
        await b.bought()
        held = await b.position()
        assert (held["status"], held["quantity"], held["protected_quantity"]) == ("open", 10, 10)
        orders = await b.orders()
        assert orders["entry"]["status"] == "filled"
        assert orders["stop_loss"]["stop_price"] == "98.0000"
        assert orders["take_profit"]["limit_price"] == "106.0000"
        await b.until(1500.0)
        done = await b.position()
        assert (done["status"], done["exit_reason"]) == ("closed", "take_profit")
        assert {row["status"] for row in (await b.orders()).values()} == {"filled", "canceled"}
        ours, theirs = await b.profit()
        assert ours == theirs == Decimal("59.9")


async def test_a_bracket_runs_to_its_stop(database_url: str) -> None:
    async with bench(database_url, moving(99, 95)) as b:
        await b.bought()
        await b.until(1500.0)
        done = await b.position()
        assert (done["status"], done["exit_reason"]) == ("closed", "stop_loss")
        ours, theirs = await b.profit()
        assert ours == theirs < 0
