"""The way out: time, the close of the actual day, people, and stops that were faster."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from services.exchange.rules.tape import Columns, Session, Tape
from tests.exchange.venues import OPEN, flat_bars, tape_of
from tests.trading.bench import Bench, Fault, bench, market_time, moving

HALF_DAY = date(2026, 11, 27)


def half_day_tape() -> Tape:
    """The day after Thanksgiving: 09:30 to 13:00."""
    tape = tape_of({"AAA": flat_bars(count=42), "BBB": flat_bars(50.0, count=42)})
    opening = datetime(2026, 11, 27, 14, 30, tzinfo=UTC).timestamp()
    shift = int(opening - OPEN)

    return replace(
        tape,
        session=Session(opening, opening + 3.5 * 3600, HALF_DAY),
        bars=_shifted(tape.bars, shift),
        daily=_shifted(tape.daily, shift),
        daily_close_at=tape.daily_close_at + shift,
        days=(HALF_DAY,),
    )


def _shifted(columns: Columns, seconds: int) -> Columns:
    return replace(columns, time=columns.time + seconds)


async def _sells(b: Bench) -> list[Any]:
    return [order for order in b.book.orders.values() if order.side == "sell" and order.type == "market"]


async def test_a_position_is_closed_after_the_longest_hold(database_url: str, tmp_path: Path) -> None:
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        text = (Path("config") / name).read_text()
        (tmp_path / name).write_text(text.replace("max_hold_time_minutes: 180", "max_hold_time_minutes: 20"))
    async with bench(database_url, config=tmp_path) as b:
        await b.bought()
        entered = datetime.fromisoformat((await b.position())["entry_time"])
        await b.until(20 * 60 - 30.0)
        assert (await b.position())["status"] == "open"
        await b.until(60.0)
        done = await b.position()
        assert (done["status"], done["exit_reason"]) == ("closed", "max_hold")
        held = datetime.fromisoformat(done["exit_time"]) - entered
        assert 20 * 60 <= held.total_seconds() < 20 * 60 + 3
        assert b.book.ledger.qty("AAA") == 0
        assert not list(b.book.live_orders())


async def test_everything_is_flat_before_the_close(database_url: str) -> None:
    async with bench(database_url, now=market_time(15, 30).timestamp()) as b:
        await b.bought("AAA")
        await b.bought("BBB", 20)
        await b.until(market_time(15, 49))
        assert len(await b.get("/positions?status=open")) == 2
        await b.until(market_time(15, 51))
        assert await b.get("/positions?status=open") == []
        assert {row["exit_reason"] for row in await b.get("/positions")} == {"close_of_day"}
        late = await b.send(await b.approve())
        assert (late.status_code, late.json()["possible_at"][:10]) == (409, "2026-06-16")
        ours, theirs = await b.profit()
        assert ours == theirs


async def test_half_days_close_at_their_own_hour(database_url: str) -> None:
    tape = half_day_tape()
    async with bench(database_url, tape=tape, now=tape.session.close - 1200) as b:
        await b.bought()
        await b.until(tape.session.close - b.exchange.now - 11 * 60)
        assert (await b.position())["status"] == "open"
        await b.until(120.0)
        done = await b.position()
        assert (done["status"], done["exit_reason"]) == ("closed", "close_of_day")


async def test_closing_by_hand_frees_the_shares_first(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        begun = (await b.post("/positions/AAA/close", {"reason": "manual"})).json()
        assert (begun["status"], begun["exit_reason"]) == ("open", "manual")
        await b.until(5.0)
        done = await b.position()
        assert (done["status"], done["exit_reason"]) == ("closed", "manual")
        assert {order.status for order in await _sells(b)} == {"filled"}
        again = await b.post("/positions/AAA/close")
        assert (again.status_code, "nothing to close" in again.json()["detail"]) == (404, True)


async def test_a_close_that_loses_against_the_stop_sells_nothing_more(database_url: str) -> None:
    async with bench(database_url, moving(97)) as b:
        await b.bought()
        await b.until(market_time(9, 40))
        stop_hit = min(due.at for due in b.exchange.venue.schedule._heap if due.kind == "stop")
        await b.until(stop_hit - b.exchange.now - 0.1)
        await b.post("/positions/AAA/close")
        await b.until(10.0)
        done = await b.position()
        assert (done["status"], done["exit_reason"]) == ("closed", "stop_loss")
        assert b.book.ledger.qty("AAA") == 0
        assert await _sells(b) == []


async def test_close_all_closes_positions_and_entries_and_voids_older_approvals(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought("AAA")
        early = await b.approve("BBB")
        assert len((await b.post("/positions/close-all", {"reason": "emergency"})).json()) == 1
        refused = await b.send(early)
        assert (refused.status_code, "before everything was closed" in refused.json()["detail"]) == (409, True)
        await b.until(5.0)
        assert (await b.position())["exit_reason"] == "emergency"
        await b.until(30.0)
        standing = await b.get("/reconciliation")
        assert (standing["flat"], standing["open_positions"], standing["unsettled_orders"]) == (True, 0, 0)
        assert (await b.post("/positions/close-all")).json() == []


async def test_an_approval_from_before_a_close_all_is_void_after_a_restart_too(database_url: str) -> None:
    async with bench(database_url) as b:
        early = await b.approve()
        await b.post("/positions/close-all", {"reason": "emergency"})
        await b.restart()
        refused = await b.send(early)
        assert (refused.status_code, "before everything was closed" in refused.json()["detail"]) == (409, True)


async def test_halted_means_no_entry_not_even_one_that_was_intended(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [Fault("POST", "/v2/orders", "request lost", times=99)]
        b.wire.faults += [Fault("GET", "/v2/orders:by", "request lost", times=99)]
        assert (await b.send(await b.approve())).json()["status"] == "intended"
        await b.pool.execute(
            "INSERT INTO halts (reason, latched_at, resume_after) VALUES ('drill', $1::timestamptz, $1)", b.now
        )
        b.wire.faults = []
        await b.restart()
        await b.until(40.0)
        assert list(b.book.orders) == []
        assert (await b.orders())["entry"]["reason"] == "never reached the broker: halted: drill"
        refused = await b.send(await b.approve("BBB"))
        assert (refused.status_code, refused.json()["detail"]) == (409, "halted: drill")


async def test_an_entry_on_its_way_is_cancelled_by_close_all(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.send(await b.approve())
        await b.post("/positions/close-all")
        await b.until(10.0)
        assert await b.get("/positions?status=open") == []
        assert b.book.ledger.qty("AAA") == 0
        assert not list(b.book.live_orders())


async def test_a_close_goes_on_after_a_restart(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [Fault("DELETE", "/v2/orders", "request lost", times=99)]
        await b.post("/positions/AAA/close")
        await b.stop()
        b.wire.faults = []
        await b.start()
        await b.until(15.0)
        done = await b.position()
        assert (done["status"], done["exit_reason"]) == ("closed", "manual")


async def test_an_exit_whose_answer_is_lost_sells_once(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [Fault("POST", "/v2/orders", "answer lost"), Fault("GET", "/v2/orders:by", "request lost")]
        await b.post("/positions/AAA/close")
        await b.until(10.0)
        assert (await b.position())["status"] == "closed"
        assert len(await _sells(b)) == 1
        assert b.book.ledger.qty("AAA") == 0


async def test_nothing_is_sent_after_the_close(database_url: str) -> None:
    async with bench(database_url, now=market_time(16, 5).timestamp()) as b:
        sent = len(b.book.orders)
        assert (await b.send(await b.approve())).status_code == 409
        await b.until(600.0)
        assert len(b.book.orders) == sent
