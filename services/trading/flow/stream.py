"""The account's stream: hints to look, as often as the broker bears, and an alarm when it does not stay up."""

import asyncio
from time import monotonic

import structlog

from services.trading.flow.desk import SERVICE, Desk
from services.trading.rules import health as rule
from shared.journal import Severity, end_alert, raise_alert
from shared.runtime.health import time_of

KIND = "stream_flapping"
LOOK_AGAIN_SECONDS, CHECK_SECONDS, PAUSE_SECONDS = 15.0, 5.0, 5.0
log = structlog.get_logger()


async def listen(desk: Desk) -> None:
    """One life of the stream. Its updates are hints to look; after a (re)connect everything is looked at, every 15 s at
    most.
    """
    async for update in desk.stream.updates():
        if update is None:
            _look_soon(desk)
        else:
            desk.settled_at.pop(update.order.symbol, None)
            desk.hints.append(update)
            desk.unread.append(update)
            desk.stirred.set()
    await asyncio.sleep(PAUSE_SECONDS)


def _look_soon(desk: Desk) -> None:
    """Compare with the broker now, or once the last look that a reconnect asked for is long enough ago."""
    sight, now = desk.streaming, monotonic()
    wait = LOOK_AGAIN_SECONDS - (now - sight.looked_at) if sight.looked_at is not None else 0.0
    if wait <= 0:
        sight.looked_at = now
        _look(desk)
    elif wait <= LOOK_AGAIN_SECONDS:
        # One look is booked for all reconnects until then; `looked_at` lies ahead meanwhile.
        sight.looked_at = now + wait
        asyncio.get_running_loop().call_later(wait, _look, desk)


def _look(desk: Desk) -> None:
    desk.look_again = True
    desk.stirred.set()


async def watch_stream(desk: Desk) -> None:
    """One look every few seconds: has the connection lived for long enough? An alert when not, and the end of it."""
    await check_stream(desk)
    await asyncio.sleep(CHECK_SECONDS)


async def check_stream(desk: Desk) -> None:
    """One look at the stream. A warning after two minutes of an open market, critical after ten."""
    sight = desk.streaming
    if (desk.stream.lived_seconds() or 0) >= rule.STEADY_SECONDS:
        sight.steady_at = monotonic()
        if sight.alerted is not None and (now := await time_of(desk.deps.clock)) is not None:
            async with desk.deps.pool.acquire() as connection:
                await end_alert(connection, SERVICE, KIND, now)
            sight.alerted = None
        return
    unsteady = sight.unsteady_seconds()
    is_long = rule.stream_is(unsteady) == "flapping_long"
    severity: Severity = "critical" if is_long else "warning"
    if problem_of(unsteady) is None or sight.alerted in ("critical", severity):
        return
    now = await time_of(desk.deps.clock)
    session = desk.session(now) if now is not None else None
    if now is not None and session is not None and session.is_open(now):
        log.warning(KIND, severity=severity, unsteady_seconds=round(unsteady))
        async with desk.deps.pool.acquire() as connection:
            await raise_alert(connection, SERVICE, severity, "stream_flapping", rule.flapping(unsteady), now)
        sight.alerted = severity


def problem_of(unsteady_seconds: float) -> str | None:
    """The stream's part in health, in market hours."""
    bad = rule.stream_is(unsteady_seconds) in ("flapping", "flapping_long")
    return f"stream: {rule.flapping(unsteady_seconds)}" if bad else None
