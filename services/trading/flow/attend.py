"""Attending: for each symbol the next step, until there is none: cancel, protect, close."""

from datetime import datetime, timedelta

import structlog

from services.trading import store
from services.trading.flow import exits as closing
from services.trading.flow.desk import FILL_TO_PROTECTED, UNPROTECTED, Desk, alert_once, apart, in_turn
from services.trading.flow.hours import session_for_exits
from services.trading.flow.settle import settle_symbol
from services.trading.rules import exits as timing
from services.trading.rules.foreign import encroaching
from services.trading.rules.orders import protecting
from services.trading.rules.positions import PositionRow, guard_prices, signed
from services.trading.rules.steps import POLL, SLOW_POLL, Cancel, Close, GiveUp, Protect, Rest, Scene, Step, next_step
from shared import account_lock
from shared.domain.session import trading_day

MOST_STEPS, MOST_SENT = 8, 20
BARE_TOO_LONG = timedelta(seconds=15)
"""More than a protocol step ever takes: a person must know of shares without a stop."""
log = structlog.get_logger()


async def attend_all(desk: Desk, now: datetime) -> tuple[list[datetime], bool]:
    """Every symbol with a position or a working order; when each wants to be looked at again, and if there is any.

    One whose settling has just failed is left out: what our books say of it may be old.
    """
    held = await store.positions(desk.deps.pool, "open")
    working = await store.unsettled(desk.deps.pool)
    symbols = sorted({row.symbol for row in held} | {row.symbol for row in working} | desk.naked.keys())
    wakes = [now + POLL for symbol in symbols if desk.locks[symbol].locked()]
    idle = [symbol for symbol in symbols if not desk.locks[symbol].locked() and symbol not in desk.failed_now]
    looked_at = await in_turn(desk, [_attend_alone(desk, symbol, now) for symbol in idle])
    wakes += [until for until in looked_at if until is not None]
    if desk.failing:
        wakes.append(now + SLOW_POLL)
    entries = [order for order in working if order.is_entry and not order.is_final]
    wakes += [at for order in entries if (at := order.decision_expires_at) is not None and at > now]
    wakes += timing.deadlines(held, bool(entries), desk.session(now), desk.how, now)
    return wakes, bool(held or working)


async def _attend_alone(desk: Desk, symbol: str, now: datetime) -> datetime | None:
    async with desk.locks[symbol]:
        return await apart(desk, symbol, attend(desk, symbol, now), now)


async def attend(desk: Desk, symbol: str, now: datetime) -> datetime | None:
    """Take steps until the symbol may rest; none while somebody flattens the account. The caller holds its lock."""
    if await account_lock.is_taken(desk.deps.pool):
        return now + POLL
    await _mark_due(desk, symbol, now)
    for _ in range(MOST_STEPS):
        scene = await look(desk, symbol, now)
        step = next_step(scene)
        if isinstance(step, Rest):
            await _measure(desk, symbol, scene)
            return step.until
        log.info("step", symbol=symbol, step=type(step).__name__, held=scene.quantity, protected=scene.protected)
        if not await _act(desk, scene, step):
            await _measure(desk, symbol, scene)
            return scene.now + POLL
        if not (isinstance(step, Cancel | Close) and desk.stream.lived_seconds() is not None):
            # What becomes of a cancellation or an exit the stream tells, as long as it is up.
            await settle_symbol(desk, symbol, now)
    return now + POLL


async def look(desk: Desk, symbol: str, now: datetime) -> Scene:
    """The symbol as it stands in our books."""
    position = await store.open_position(desk.deps.pool, symbol)
    foreign = await store.open_position(desk.deps.pool, symbol, "foreign")
    session, calendar = await session_for_exits(desk, now), desk.session(now)
    exits = await store.last_exits(desk.deps.pool, symbol, position.entry_time, MOST_SENT) if position else ()
    return Scene(
        position=position,
        orders=encroaching(await store.working(desk.deps.pool, symbol), signed(foreign) if foreign else 0),
        sent=exits,
        now=now,
        market_open=session is not None and session.is_open(now),
        entries_over=calendar is not None and timing.entries_end(calendar, desk.how, now),
        asked=desk.recently_asked(now),
        overnight=timing.held_overnight(position, session, now),
    )


async def _mark_due(desk: Desk, symbol: str, now: datetime) -> None:
    position = await store.open_position(desk.deps.pool, symbol)
    if position is None:
        return
    await _care_for(desk, position)
    if position.side == "short":
        message = f"{position.quantity} {symbol} more were sold than held: they are bought back"
        await alert_once(desk, f"short-{position.position_id}", "critical", "oversold", message, now)
    session = await session_for_exits(desk, now)
    await _tell_of_nights(desk, position, now)
    suspected = symbol in desk.disagreements and not desk.disagreements[symbol].locked
    if position.exit_reason is None and not suspected:
        # What is due waits the seconds until it is known how much there is: a split must not be sold as it was.
        reason = timing.exit_due(position, session, desk.how, now)
        if reason is not None:
            await store.want_exit(desk.deps.pool, position.position_id, reason)
    elif position.exit_reason is not None:
        await _escalate(desk, position, now)


async def _tell_of_nights(desk: Desk, position: PositionRow, now: datetime) -> None:
    """A night that was not meant, and one that is to come without a stop that outlasts the day."""
    session, key, what = desk.session(now), position.position_id, f"{position.quantity} {position.symbol}"
    if session is None:
        return
    if desk.how.close_all_at_market_close:
        if trading_day(position.entry_time) < session.day and now < session.close:
            message = f"{what} were held over night, since {position.entry_time:%Y-%m-%d}; their stop is set anew"
            await alert_once(desk, f"overnight-{key}", "critical", "held_overnight", message, now)
    elif session.is_open(now) and now >= session.close - timing.PAGE_BEFORE_CLOSE:
        rows = await store.working(desk.deps.pool, position.symbol)
        lasts = [row for row in rows if row.time_in_force == "gtc" and row.origin == "system"]
        covered = sum(protecting(row, {one.order_id: one for one in rows}) for row in lasts)
        if covered < position.quantity:
            message = f"{position.quantity - covered} of {what} go into the night without a stop that outlasts the day"
            await alert_once(desk, f"night-bare-{key}", "critical", "unprotected_overnight", message, now)


async def _care_for(desk: Desk, position: PositionRow) -> None:
    """Shares of ours that came without a stop get the default one and its target."""
    if position.stop_price is None and position.side == "long":
        stop, target = guard_prices(position.entry_price, desk.how)
        await store.write_guard(desk.deps.pool, position.position_id, stop, target)


async def _escalate(desk: Desk, position: PositionRow, now: datetime) -> None:
    """A position that will not close is a person's business, more so near the close."""
    session, key = await session_for_exits(desk, now), str(position.position_id)
    since = desk.closing_since.setdefault(position.position_id, now)
    what = f"{position.quantity} {position.symbol} ({position.side}, closing for {position.exit_reason})"
    if session is not None and now >= session.close:
        await alert_once(desk, f"night-{key}", "critical", "held_after_close", f"{what}: held after the close", now)
    elif session is not None and now >= session.close - timing.PAGE_BEFORE_CLOSE:
        await alert_once(desk, f"page-{key}", "critical", "not_flat", f"{what}: not flat before the close", now)
    elif now - since >= timing.LATE_AFTER:
        await alert_once(desk, f"late-{key}", "warning", "close_late", f"{what}: not closed within a minute", now)


async def _act(desk: Desk, scene: Scene, step: Step) -> bool:
    """Carry out a step; False when it has to wait."""
    match step:
        case Cancel(orders, reason):
            covered = scene.position if any(order.stop_price is not None for order in orders) else None
            if covered is not None and not await closing.selling_works(desk, covered, scene.now):
                return False
            await store.want_cancel(desk.deps.pool, [order.order_id for order in orders], reason)
            return await closing.cancel(desk, orders, scene.now)
        case Close():
            return await closing.close(desk, scene)
        case Protect(quantity):
            return await closing.protect(desk, scene, quantity)
        case GiveUp(reason) if scene.position is not None:
            await store.want_exit(desk.deps.pool, scene.position.position_id, reason)
            message = f"{scene.quantity} {scene.position.symbol}: protection was refused, closing"
            await alert_once(
                desk, f"refused-{scene.position.position_id}", "critical", "unprotected", message, scene.now
            )
    return True


async def _measure(desk: Desk, symbol: str, scene: Scene) -> None:
    """Shares without a stop, counted over the time since the last look; and how long the first cover took."""
    position = scene.position
    bare, since = desk.naked.pop(symbol, (0, scene.now))
    UNPROTECTED.inc(bare * max(timedelta(), scene.now - since).total_seconds())
    if scene.quantity > scene.protected:
        desk.naked[symbol] = (scene.quantity - scene.protected, scene.now)
        await _tell_bare(desk, symbol, scene)
    else:
        desk.bare_since.pop(symbol, None)
    if position is None or scene.protected < position.quantity or position.position_id in desk.covered:
        return
    desk.covered.add(position.position_id)
    FILL_TO_PROTECTED.observe(max(0.0, (scene.now - position.entry_time).total_seconds()))


async def _tell_bare(desk: Desk, symbol: str, scene: Scene) -> None:
    """Shares without a stop for longer than any step takes are a person's business, while the market can hurt them.

    Another hand's shares that were to be left alone are his own business.
    """
    since, position = desk.bare_since.setdefault(symbol, scene.now), scene.position
    if position is None or position.stop_price is None or not scene.market_open or scene.now - since < BARE_TOO_LONG:
        return
    message = f"{scene.quantity - scene.protected} {symbol} have had no stop since {since:%H:%M:%S} UTC"
    await alert_once(desk, f"bare-{position.position_id}-{since}", "critical", "unprotected", message, scene.now)
