"""A person's word on a proposal: looked at again, sent once, or refused with the reason."""

import asyncio
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog

from services.workflow import store
from services.workflow.flow.cycling import NAME, cycle_named
from services.workflow.flow.scanning import judged, send
from services.workflow.rules import outcome
from shared import errors
from shared.deps import Deps
from shared.domain.cycle import Proposal
from shared.domain.price import reference_price
from shared.journal import append_event

log = structlog.get_logger()


async def decide(deps: Deps, proposal_id: UUID, *, yes: bool) -> Proposal:
    """A person's word, obeyed once however often it is given. Raises NotFound, NotNow, Unavailable."""
    if (found := await store.proposal(deps.pool, proposal_id)) is None:
        raise errors.NotFound(f"there is no proposal {proposal_id}")
    if found.status == ("approved" if yes else "rejected"):
        return found
    if found.status != "pending":
        raise errors.NotNow(f"this proposal is {found.status}: {found.reason}")
    now = await deps.clock.now()
    status, reason = await _try_to_send(deps, found, now) if yes else ("rejected", "rejected by the operator")
    async with deps.pool.acquire() as connection, connection.transaction():
        decided = await store.decide_proposal(connection, proposal_id, status, reason, now)
        payload = (decided or found).model_dump(mode="json")
        await append_event(connection, NAME, f"proposal.{status}", now, payload, found.cycle_id)
    log.info("proposal_decided", proposal_id=str(proposal_id), symbol=found.symbol, status=status, reason=reason)
    if yes and status != "approved":
        raise errors.NotNow(f"{found.symbol} was not approved: {reason}")
    return decided or found


async def _price(deps: Deps, symbol: str, now: datetime) -> float | None:
    """The market's price now; None when it has none to trade on. Raises Unavailable."""
    most = deps.config.current().risk.entry.max_quote_age_seconds
    trades, quotes = await asyncio.gather(deps.market.trades([symbol]), deps.market.quotes([symbol]))
    known = reference_price(trades.get(symbol), quotes.get(symbol), now, most)
    return known.price if known is not None and known.is_firm else None


async def _try_to_send(deps: Deps, found: Proposal, now: datetime) -> tuple[str, str]:
    """Look again at time, price and the whole of risk, then send; the status this leads to, and why."""
    cycle, rules = await cycle_named(deps, found.cycle_id), deps.config.current().trading.workflow
    if why := outcome.why_not_approvable(found, now, cycle.status == "running"):
        return why
    if (market := await _price(deps, found.symbol, now)) is None:
        return "refused", "no price is known any more: neither a fresh trade nor a fresh quote"
    if (drift := outcome.drift_pct(found.price_at_proposal, Decimal(str(market)))) > rules.proposal_max_drift_pct:
        return "refused", f"the price moved {drift:.2f} %, {rules.proposal_max_drift_pct:g} % is allowed"
    again = found.scored.model_copy(update={"price": market, "rank": 1})
    asked = outcome.decide_request(cycle, found.scan, now, (again,), 1, outcome.ON_APPROVAL)
    verdicts = await judged(deps, asked)
    if not (picks := outcome.chosen((again,), verdicts, 1)):
        return "refused", f"risk: {verdicts[0].reason}"
    sent = await send(deps, picks[0])
    if sent.outcome != "order":
        return "refused", f"trading: {sent.reason}"
    return "approved", f"order {sent.order.client_order_id}, {sent.order.quantity} shares"
