"""Reading the broker's two lists. One that cannot be read is never an empty one, and a person is told."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Literal, TypeVar

import structlog

from services.trading.flow.desk import BLIND_AFTER, Desk, alert_once
from shared.domain.listing import Listed, Unreadable
from shared.domain.order import BrokerOrder
from shared.domain.position import BrokerPosition
from shared.errors import CatalystError

log = structlog.get_logger()
T = TypeVar("T")


async def read_orders(desk: Desk, now: datetime) -> Listed[BrokerOrder] | None:
    """Every open order; None when they could not be read."""
    try:
        return await _read(desk, "orders", lambda: desk.broker.orders(open_only=True), now)
    except CatalystError as error:
        log.warning("listing_unavailable", error=error.detail)
        return None


async def read_positions(desk: Desk, now: datetime) -> Listed[BrokerPosition]:
    """What is held. Raises Unavailable or BrokerRefused."""
    return await _read(desk, "positions", desk.broker.positions, now)


async def _read(
    desk: Desk, what: Literal["orders", "positions"], ask: Callable[[], Awaitable[Listed[T]]], now: datetime
) -> Listed[T]:
    try:
        listed = await ask()
    except CatalystError as error:
        failed = desk.blind[what] = desk.blind.get(what, 0) + 1
        if failed >= BLIND_AFTER:
            message = f"the broker's list of {what} cannot be read, {failed} times in a row now: {error.detail}"
            await alert_once(desk, f"unread-{what}", "critical", f"{what}_unreadable", message, now)
        raise
    desk.blind.pop(what, None)
    desk.alerted.discard(f"unread-{what}")
    await _tell(desk, listed.unreadable, now)
    return listed


async def _tell(desk: Desk, rows: Iterable[Unreadable], now: datetime) -> None:
    for row in rows:
        about = f"{row.kind} {row.id or ''} {row.symbol or ''}".strip()
        message = f"a row of the broker's list cannot be read and is left out: {about} ({row.problem})"
        await alert_once(desk, f"row-{row.name}", "critical", "unreadable_row", message, now)
