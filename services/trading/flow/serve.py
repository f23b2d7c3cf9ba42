"""What the API asks for: orders and positions as they are, cancelling, closing."""

from datetime import datetime
from time import monotonic
from typing import Any

import structlog

from services.trading import store
from services.trading.flow.attend import attend, look
from services.trading.flow.clock import compare_clocks
from services.trading.flow.desk import SERVICE, Desk, in_turn
from services.trading.flow.exits import cancel
from services.trading.flow.fees import look_at_fees
from services.trading.flow.reconcile import cancel_unlisted, reconcile, standing
from services.trading.flow.settle import settle_symbol
from services.trading.flow.stream import problem_of as stream_problem
from services.trading.rules import positions as position_rule
from services.trading.rules.foreign import covered
from services.trading.rules.health import clock_problem, look_overdue
from services.trading.rules.orders import OrderRow
from services.trading.rules.positions import PositionRow
from services.trading.store.fees import fee_totals, fees_of
from shared.domain.money.fees import FeeBooks
from shared.domain.position import PositionView, Reconciliation
from shared.errors import CatalystError, NotFound, NotNow
from shared.journal import append_event
from shared.runtime.health import CLOCK_SILENT, age_seconds, time_of

AT_ONCE_SECONDS = 0.5
"""Wall time that closing everything gives one name before it begins with the next."""
log = structlog.get_logger()


async def show(desk: Desk, position: PositionRow, now: datetime) -> PositionView:
    """A position with what protects it now."""
    protected = 0
    if position.status == "open" and position.is_foreign:
        protected = covered(await store.working(desk.deps.pool, position.symbol))
    elif position.status == "open":
        protected = (await look(desk, position.symbol, now)).protected
    return position_rule.view(position, protected, *await fees_of(desk.deps.pool, position.position_id))


async def fee_books(desk: Desk) -> FeeBooks:
    """All fees so far, as of the last reading of the broker's lines."""
    totals = await fee_totals(desk.deps.pool)
    return FeeBooks(
        charged=totals.charged,
        on_trades=totals.on_trades,
        on_account=totals.charged - totals.on_trades,
        accrued=totals.accrued,
    )


async def find_position(desk: Desk, symbol: str) -> PositionView:
    """The open position of a symbol, ours before another's, or the last closed one. Raises NotFound."""
    found = await store.positions(desk.deps.pool, None, symbol.upper(), 1)
    if not found or found[0].status == "closed":
        found = await store.positions(desk.deps.pool, "open", symbol.upper(), 1, "foreign") or found
    if not found:
        raise NotFound(f"no position in {symbol.upper()}, now or before", field="symbol")
    return await show(desk, found[0], await desk.deps.clock.now())


async def close_symbol(desk: Desk, symbol: str, reason: str) -> PositionView:
    """Begin to close; the watch goes on until it is flat. Raises NotFound when nothing is held, NotNow before ready."""
    symbol = symbol.upper()
    async with desk.locks[symbol]:
        await store.want_bought_closed(desk.deps.pool, symbol, reason)
        entries = await store.want_entries_cancelled(desk.deps.pool, symbol, reason)
        position = await store.open_position(desk.deps.pool, symbol)
        if position is None and not entries and await store.open_position(desk.deps.pool, symbol, "foreign"):
            raise NotNow(
                f"{symbol} is held, and was not bought by this system: it is sold in the broker's own app, or by"
                " positions.foreign_positions: close",
                field="symbol",
            )
        if position is None and not entries:
            raise NotFound(f"nothing to close: no open position in {symbol}", field="symbol")
        if position is not None:
            await store.want_exit(desk.deps.pool, position.position_id, reason)
        await _begin(desk, symbol)
    if position is None:
        raise NotNow(f"no shares of {symbol} are held; its entry is being cancelled, and what it still buys is sold")
    return await find_position(desk, symbol)


async def close_all(desk: Desk, reason: str) -> tuple[PositionView, ...]:
    """Begin to close everything, entries under way included; returns what was held. Nothing approved before is sent."""
    now = await desk.deps.clock.now()
    async with desk.deps.pool.acquire() as connection:
        await append_event(connection, SERVICE, "everything.closing", now, {"reason": reason})
    await store.want_bought_closed(desk.deps.pool, None, reason)
    entries = await store.want_entries_cancelled(desk.deps.pool, None, reason)
    await cancel_unlisted(desk)
    held = await store.positions(desk.deps.pool, "open")
    for position in held:
        await store.want_exit(desk.deps.pool, position.position_id, reason)
    # Those that are closing already are the watch's: asked again and again, it need not ask the broker each time.
    symbols = sorted({*entries, *(position.symbol for position in held if position.exit_reason is None)})
    await in_turn(desk, [_begin_alone(desk, symbol) for symbol in symbols], AT_ONCE_SECONDS)
    desk.poke()
    return tuple([await find_position(desk, position.symbol) for position in held])


async def _begin_alone(desk: Desk, symbol: str) -> None:
    async with desk.locks[symbol]:
        await _begin(desk, symbol)


async def _begin(desk: Desk, symbol: str) -> None:
    """The first steps at once; whatever goes wrong is taken up by the watch, the wish is stored."""
    try:
        if desk.has_reconciled:
            now = await desk.deps.clock.now()
            await settle_symbol(desk, symbol, now)
            await attend(desk, symbol, now)
    except CatalystError as error:
        log.warning("close_delayed", symbol=symbol, error=error.detail)
    desk.poke()


async def cancel_order(desk: Desk, row: OrderRow, reason: str) -> OrderRow:
    """Ask for cancellation. A leg that goes takes the position's protection, which is then renewed or the position
    closed. Raises NotNow for an order that is finished.
    """
    async with desk.locks[row.symbol]:
        fresh = await store.order_by_id(desk.deps.pool, row.order_id)
        if fresh is None or fresh.is_final:
            raise NotNow(f"order {row.client_order_id} is {row.status if fresh is None else fresh.status} already")
        await store.want_cancel(desk.deps.pool, [fresh.order_id], reason)
        await cancel(desk, (fresh,), await desk.deps.clock.now())
        await _begin(desk, row.symbol)
    again = await store.order_by_id(desk.deps.pool, row.order_id)
    return again or row


async def reconcile_now(desk: Desk) -> Reconciliation:
    """Compare with the broker at once, the clocks first, and read its fee lines. Raises Unavailable."""
    await compare_clocks(desk, at_once=True)
    now = await desk.deps.clock.now()
    await reconcile(desk, now)
    await look_at_fees(desk, now, at_once=True)
    desk.poke()
    return await standing(desk)


async def health_of(desk: Desk) -> dict[str, Any]:
    """What was last seen of the broker and of the stream, with its age, and what of it is too old."""
    now, unsteady = await time_of(desk.deps.clock), desk.streaming.unsteady_seconds()
    lived = desk.stream.lived_seconds()
    facts: dict[str, Any] = {
        "reconciled_at": desk.reconciled_at.isoformat() if desk.reconciled_at else None,
        "reconciled_age_seconds": age_seconds(desk.reconciled_at, now),
        "stream_lived_seconds": None if lived is None else round(lived, 1),
        "locked": sorted(one.symbol for one in desk.disagreements.values() if one.locked),
    }
    reading = desk.clock_reading
    if reading is not None:
        facts["clock"] = reading.model_dump(mode="json") | {"in_step": reading.in_step}
    unread = None if desk.ready else "broker: not yet reconciled"
    problems = [desk.trouble or unread or clock_problem(reading)]
    if now is None:
        problems.append(CLOCK_SILENT)
    else:
        wall = monotonic() - desk.passed_at if desk.passed_at is not None else None
        late = look_overdue(now, desk.next_slot, wall)
        problems.append(f"watch: a look at the broker is {late.total_seconds():.0f} s overdue" if late else None)
        session = desk.session(now)
        if session is None and not desk.calendar.is_of(now):
            problems.append("calendar: today's session is not known; exits go by the broker's clock")
        problems.append(stream_problem(unsteady) if session is not None and session.is_open(now) else None)
    named = "; ".join(one for one in problems if one)
    return facts | ({"problem": named} if named else {})
