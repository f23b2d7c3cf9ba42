"""A person's word on a proposal: taken once, looked at again, sent once, and settled where the answer was lost."""

import asyncio
from datetime import datetime
from uuid import UUID

import structlog

from services.workflow import store
from services.workflow.flow.cycling import NAME, cycle_named, warn
from services.workflow.flow.scanning import REFUSALS, judged, placed
from services.workflow.rules import outcome, ruling
from services.workflow.rules.ruling import Ruling
from shared import errors
from shared.deps import Deps
from shared.domain.cycle import Proposal
from shared.domain.order import ApprovedOrder, OrderView
from shared.domain.price import reference_price
from shared.journal import append_event

LOOK_SECONDS = 5.0
"""For trading's answer about an order, asked again within this time."""
log = structlog.get_logger()


async def decide(deps: Deps, proposal_id: UUID, *, yes: bool) -> Proposal:
    """A person's word, obeyed once however often it is given.

    Raises NotFound; NotNow when it is decided otherwise; Unavailable when nothing was sent and it still waits;
    OutcomeUnknown when the order was sent and may or may not have arrived.
    """
    found = await _settled(deps, await _named(deps, proposal_id))
    if found.status == "pending":
        now = await deps.clock.now()
        found = await (_approve if yes else _reject)(deps, found, now)
    return _answer(found, yes=yes)


async def settle(deps: Deps) -> bool:
    """Look up what became of the orders of proposals in doubt; True while some remain so.

    Runs at start and from time to time: a process that dies between sending and recording leaves such a proposal.
    """
    undecided = await store.undecided_proposals(deps.pool)
    rulings = [await _settled(deps, one) for one in undecided]
    return any(one.status in ruling.IN_DOUBT for one in rulings)


def _answer(found: Proposal, *, yes: bool) -> Proposal:
    """The proposal, when it went as the person said. Raises NotNow or OutcomeUnknown otherwise."""
    if found.status == ("approved" if yes else "rejected"):
        return found
    if found.status in ruling.IN_DOUBT:
        why = found.reason or "it is being sent"
        raise errors.OutcomeUnknown(f"{found.symbol}: outcome unknown: {why}; do not send it by other means")
    if found.status == "pending":
        raise errors.NotNow(f"{found.symbol} was given back and waits again: decide anew")
    raise errors.NotNow(f"{found.symbol}: this proposal is {found.status}: {found.reason}")


async def _named(deps: Deps, proposal_id: UUID) -> Proposal:
    if (found := await store.proposal(deps.pool, proposal_id)) is None:
        raise errors.NotFound(f"there is no proposal {proposal_id}")
    return found


async def _reject(deps: Deps, found: Proposal, now: datetime) -> Proposal:
    said = Ruling("rejected", "rejected_by_operator", "rejected by the operator")
    late = ruling.no_longer_approvable(found, now, cycle_running=True)
    return await _rule(deps, found, late or said, now)


async def _approve(deps: Deps, found: Proposal, now: datetime) -> Proposal:
    """Take it, look again, store what is about to be sent, send it, record the answer."""
    cycle = await cycle_named(deps, found.cycle_id)
    if late := ruling.no_longer_approvable(found, now, cycle.status == "running"):
        return await _rule(deps, found, late, now)
    if (taken := await store.take_proposal(deps.pool, found.proposal_id, now)) is None:
        return await _named(deps, found.proposal_id)
    try:
        allowed = await _looked_at_again(deps, taken, now)
    except errors.CatalystError:
        await store.give_back(deps.pool, taken)  # nothing was sent: it still waits for a person
        raise
    if isinstance(allowed, Ruling):
        return await _rule(deps, taken, allowed, now)
    if (sending := await store.intend_to_send(deps.pool, taken, allowed)) is None:
        return await _named(deps, found.proposal_id)
    said = await _sent(deps, sending, allowed)
    return await _rule(deps, sending, said, await deps.clock.now())


async def _price(deps: Deps, symbol: str, now: datetime) -> float | None:
    """The market's price now; None when it has none to trade on. Raises Unavailable."""
    most = deps.config.current().risk.entry.max_quote_age_seconds
    trades, quotes = await asyncio.gather(deps.market.trades([symbol]), deps.market.quotes([symbol]))
    known = reference_price(trades.get(symbol), quotes.get(symbol), now, most)
    return known.price if known is not None and known.is_firm else None


async def _looked_at_again(deps: Deps, taken: Proposal, now: datetime) -> Ruling | ApprovedOrder:
    """Price and the whole of risk, with what the person saw as the most. Raises Unavailable."""
    cycle, rules = await cycle_named(deps, taken.cycle_id), deps.config.current().trading.workflow
    if (market := await _price(deps, taken.symbol, now)) is None:
        return Ruling("refused", "no_price", "no price is known any more: neither a fresh trade nor a fresh quote")
    if moved := ruling.by_price(taken, market, rules.proposal_max_drift_pct):
        return moved
    again = taken.scored.model_copy(update={"price": market, "rank": 1})
    attempt, caps = 1 + taken.attempts, (ruling.cap_of(taken),)
    asked = outcome.decide_request(cycle, taken.scan, now, (again,), 1, attempt, caps)
    return ruling.by_risk(taken, await judged(deps, asked))


async def _sent(deps: Deps, sending: Proposal, approved: ApprovedOrder) -> Ruling:
    """Only trading's word on the order itself is one: after a refusal or a lost answer its orders are looked at."""
    refused: errors.CatalystError | None = None
    try:
        return ruling.by_order(sending, await placed(deps, approved))
    except REFUSALS as error:
        refused, detail = error, error.detail
    except errors.CatalystError as error:
        detail = error.detail
    try:
        order = await _order_of(deps, sending)
    except errors.CatalystError as error:
        return ruling.unknown(f"{detail}; {error.detail}")
    if order is not None:
        return ruling.by_order(sending, order)
    return Ruling("refused", "trading_refused", f"trading: {detail}") if refused else ruling.unknown(detail)


async def _order_of(deps: Deps, sending: Proposal) -> OrderView | None:
    """What trading has under the proposal's decision. Raises Unavailable, and what else trading's answer means."""
    path = f"/api/v1/orders?cycle_id={sending.cycle_id}&symbol={sending.symbol}&limit=1000"
    orders = await deps.client.get("trading", path, tuple[OrderView, ...], timeout=LOOK_SECONDS)
    return next((one for one in orders if one.purpose == "entry" and one.decision_id == sending.decision_id), None)


async def _settled(deps: Deps, found: Proposal) -> Proposal:
    """A proposal in doubt as its order shows it to be; any other as it is."""
    if found.status not in ruling.IN_DOUBT:
        return found
    if found.decision_id is None:
        # Interrupted before anything was to be sent; whoever still works on it finds it gone and sends nothing.
        await store.give_back(deps.pool, found)
        return await _named(deps, found.proposal_id)
    now = await deps.clock.now()
    try:
        order = await _order_of(deps, found)
        said = ruling.by_order(found, order) if order else ruling.by_absence(found, now)
    except errors.CatalystError as error:
        said = ruling.unknown(error.detail)
    if not said.is_final and found.status == "unknown":
        return found
    return await _rule(deps, found, said, now)


async def _rule(deps: Deps, found: Proposal, said: Ruling, now: datetime) -> Proposal:
    """The proposal as ruled, journaled; as it is when it was decided otherwise meanwhile."""
    async with deps.pool.acquire() as connection, connection.transaction():
        ruled = await store.decide_proposal(connection, found, said, now if said.is_final else None)
        if ruled is not None:
            payload = ruled.model_dump(mode="json")
            await append_event(connection, NAME, f"proposal.{said.status}", now, payload, found.cycle_id)
    if ruled is None:
        return await _named(deps, found.proposal_id)
    log.info(
        "proposal_decided", proposal_id=str(found.proposal_id), symbol=found.symbol, code=said.code, why=said.reason
    )
    if said.status == "unknown":
        message = (
            f"{found.symbol}: approved, and not known whether order {found.client_order_id} arrived: {said.reason}"
        )
        await warn(deps, found.cycle_id, "approval_outcome_unknown", message)
    return ruled
