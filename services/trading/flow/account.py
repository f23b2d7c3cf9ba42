"""The broker's account with what its owner has moved since the previous close."""

import asyncio
from datetime import time
from decimal import Decimal

import structlog

from services.trading.flow.desk import Desk, know_sessions
from services.trading.store.fees import accrued_since
from shared.domain.money.flows import net_flows
from shared.domain.position import Account
from shared.domain.session import at_market_time, last_close, trading_day
from shared.errors import CatalystError

FLOWS_SECONDS = 2.0
"""The account does not wait longer for its activities: what is not known counts against us."""
log = structlog.get_logger()


async def account_today(desk: Desk) -> Account:
    """Asked now, the account first: money that comes between the two questions then looks like a loss, not like a gain.

    `cash_flows` is None when the activities or the calendar could not be read. Raises Unavailable without the account.
    """
    told = await desk.broker.account()
    midnight = at_market_time(trading_day(await desk.deps.clock.now()), time())
    accrued = await accrued_since(desk.deps.pool, midnight)
    return told.model_copy(update={"cash_flows": await _flows(desk), "accrued_fees": accrued})


async def _flows(desk: Desk) -> Decimal | None:
    now = await desk.deps.clock.now()
    await know_sessions(desk, now)
    since = last_close(desk.calendar.sessions, now)
    if since is None:
        return None
    try:
        async with asyncio.timeout(FLOWS_SECONDS):
            return net_flows(await desk.broker.cash_flows(since), since)
    except (CatalystError, TimeoutError) as error:
        log.warning("cash_flows_unknown", error=error.detail if isinstance(error, CatalystError) else "no answer")
        return None
