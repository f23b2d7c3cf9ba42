"""Faults on demand: what goes wrong at the exchange, when, and how often. For sweeps and drills; off until asked.

POST /_sim/faults with one fault, or a list of them; the answer has their ids. GET lists what is in force with its
counts; DELETE /_sim/faults clears all, DELETE /_sim/faults/{id} one. Faults compose: latencies add up, then the first
other fault that strikes decides. Every fault takes:

    match        a named step (submit orders order look_up replace cancel cancel_all positions close close_all account
                 activities clock calendar assets data news trading stream data_stream) or
                 {"method": "POST", "path": "/v2/orders"}, both whole regular expressions; left out: all it can hit
    symbol       only requests that name it, or its order, in path, query or body; only orders and events on it
    account      only this API key's
    after        so many matches pass unharmed first (0)
    times        so many are hit then; null for ever
    probability  of each, drawn from (seed, id, number of the match)
    from, until  market times, ISO with offset

On the wire; never journaled, gone after a restart of the exchange:

    {"kind": "latency", "ms": 250, "match": "orders"}                           wall time; the request comes after it
    {"kind": "hang", "match": "submit", "seconds": 60, "executed": false}       silent until cleared, then dropped
    {"kind": "429", "match": "trading", "retry_after": 2, "times": 3}           with X-RateLimit-* and Retry-After
    {"kind": "500"} {"kind": "502"} {"kind": "503"}                             502 and 503 with a page, as a gateway's
    {"kind": "504_after_accept", "match": "submit", "times": 1}                 carried out, then 504; 504_before_accept
    {"kind": "reset_before_accept"} {"kind": "reset_after_accept"}              a TCP reset, no byte of an answer
    {"kind": "html_body", "status": 401}                                        a page; "executed": true carries it out
    {"kind": "refused", "match": "look_up", "status": 403, "code": null}        a 4xx in JSON, with "message"
    {"kind": "stripped_bracket", "times": 1}                                    taken as a simple order, without legs
    {"kind": "garbage", "match": "positions"}                                   the answer's JSON, cut in the middle

In what is shown; as above:

    {"kind": "equity_glitch", "factor": 0.77, "times": 1}                       GET /v2/account, equity alone
    {"kind": "positions_lag", "seconds": 10} {"kind": "orders_lag", ...}        as it stood so long ago (list of orders)
    {"kind": "lookup_lag", "seconds": 5} {"kind": "activities_lag", ...}        one order by its id or ours; fills
    {"kind": "odd_row", "match": "positions", "row": {"symbol": "VTI", ...}}    one more row in a list's answer

In the streams (/stream; with "match": "data_stream" those of market data), counted by event; as above:

    {"kind": "mute"} {"kind": "drop", "times": 1} {"kind": "duplicate"}         drop resets the connection in its place
    {"kind": "hang_up"}                                                         open connections are reset at once
    {"kind": "kick", "times": 20}                                               closed as soon as it listens
    {"kind": "reorder", "times": 1}                                             after the event that follows
    {"kind": "delay", "seconds": 3} {"kind": "delay", "ms": 200}                market or wall time; others queue up

In the book; journaled, so that a restarted exchange has them still. `symbol` and `account` narrow them, `match` is not
asked; seconds are market time:

    {"kind": "stuck_cancel", "symbol": "AAA", "seconds": 30}                    pending_cancel longer; null: for ever
    {"kind": "late_release", "seconds": 5}                                      canceled, its shares still held
    {"kind": "partial_fill", "fraction": 0.3, "complete": false}                or "slice": 10, "gap_seconds": 4; "role"
    {"kind": "async_reject", "stage": "pending_new"}                            or "stage": "new", "seconds": 0.05
    {"kind": "halt", "symbol": "AAA", "from": "...", "until": "..."}            clearing it resumes trading
    {"kind": "gap", "symbol": "AAA", "percent": 7}                              the next bar opens lower, for good
    {"kind": "vanished_leg", "role": "stop_loss", "event": false}               gone as canceled once it is armed

An order by another hand is no fault: POST /_sim/accounts/{key}/orders, with the body of POST /v2/orders. Nor is
a holding without an order: POST /_sim/accounts/{key}/holdings {"symbol": "VTI", "qty": "3", "price": "290"}.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from services.exchange.api.desk import Desk, accepted
from services.exchange.api.sim import ControlRoute
from services.exchange.api.wire import answer
from services.exchange.rules.fault_kinds import AnyFault, BookFault, Fault, HangUp
from services.exchange.rules.faults import Occasion, Standing, numbered, plain_fault
from services.exchange.rules.orders import Refusal
from shared.errors import BadInput, NotFound

EXAMPLES: Any = {
    "one": {"value": {"kind": "504_after_accept", "match": "submit", "times": 1}},
    "many": {"value": [{"kind": "latency", "ms": 250}, {"kind": "429", "match": "trading", "retry_after": 2}]},
}


def routes(desk: Desk) -> APIRouter:
    """Add, list, clear."""
    router = APIRouter(prefix="/_sim/faults", route_class=ControlRoute, tags=["control plane"])

    @router.get("", summary="Faults in force")
    async def listed() -> Response:
        """Each with the matches it has seen and those it has hit."""
        return answer([row(standing) for standing in standing_of(desk)])

    @router.post("", summary="Let something go wrong")
    async def add(order: Annotated[Fault | list[Fault], Body(openapi_examples=EXAMPLES)]) -> Response:
        """One fault or several. One with an id in use replaces that one."""
        return answer([row(_add(desk, fault)) for fault in (order if isinstance(order, list) else [order])], 201)

    @router.delete("", summary="Clear all faults")
    async def clear() -> Response:
        """What was cleared."""
        return answer([plain_fault(fault) for fault in _clear(desk, "")])

    @router.delete("/{fault_id}", summary="Clear one fault")
    async def clear_one(fault_id: str) -> Response:
        """404 when there is none of that id."""
        gone = _clear(desk, fault_id)
        if not gone:
            raise NotFound(f"no fault {fault_id} is in force")
        return answer([plain_fault(fault) for fault in gone])

    return router


def standing_of(desk: Desk) -> list[Standing]:
    """On the wire first, then in the book."""
    return [*desk.wire.standing.values(), *desk.venue.mishaps.standing.values()]


def row(standing: Standing) -> dict[str, Any]:
    """A fault with its counts."""
    return {**plain_fault(standing.fault), "seen": standing.seen, "hits": standing.hits}


def _add(desk: Desk, fault: AnyFault) -> Standing:
    taken = frozenset(standing.fault.id for standing in standing_of(desk))
    named = numbered(fault, taken)
    if named.id in taken:
        _clear(desk, named.id)
    if not isinstance(named, BookFault):
        desk.wire.add(named)
        if isinstance(named, HangUp):
            _hang_up(desk, desk.wire.standing[named.id])
        return desk.wire.standing[named.id]
    outcome = desk.ask("", "begin_fault", plain_fault(named))
    if isinstance(outcome, Refusal):
        raise BadInput(outcome.message, field="symbol")
    assert isinstance(outcome, Standing)
    desk.world.clock.onlooker.process(desk.now)
    return outcome


def _hang_up(desk: Desk, standing: Standing) -> None:
    for stream in tuple(desk.streams):
        if standing.strikes(Occasion(desk.now, stream.account, "CONNECT", stream.path)):
            stream.sever()


def _clear(desk: Desk, fault_id: str) -> list[AnyFault]:
    gone = desk.wire.clear(fault_id)
    booked = desk.venue.mishaps.standing
    if booked if not fault_id else fault_id in booked:
        gone += accepted(desk.ask("", "end_fault", {"id": fault_id}))
        desk.world.clock.onlooker.process(desk.now)
    return gone
