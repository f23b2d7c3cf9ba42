"""Faults on demand: what goes wrong at the exchange, when, and how often. For sweeps and drills; off until asked.

POST /_sim/faults with one fault, or a list of them; the answer has their ids. GET lists what is in force with its
counts; DELETE /_sim/faults clears all, DELETE /_sim/faults/{id} one. Faults compose: latencies add up, then the first
other fault that strikes decides. Every fault takes:

    match        a named step (submit orders order replace cancel cancel_all positions close close_all account
                 activities clock calendar assets data news trading stream data_stream) or
                 {"method": "POST", "path": "/v2/orders"}, both whole regular expressions; left out: all it can hit
    symbol       only requests that name it in path or body, only orders on it
    account      only this API key's
    after        so many matches pass unharmed first (0)
    times        so many are hit then; null for ever
    probability  of each, drawn from (seed, id, number of the match)
    from, until  market times, ISO with offset

On the wire, never journaled, gone after a restart of the exchange:

    {"kind": "latency", "ms": 250, "match": "orders"}
    {"kind": "hang", "match": "submit", "seconds": 60, "executed": false}       silent until cleared, then dropped
    {"kind": "429", "match": "trading", "retry_after": 2, "times": 3}           with X-RateLimit-* and Retry-After
    {"kind": "500"} {"kind": "502"} {"kind": "503"}                             502 and 503 with a page, as a gateway's
    {"kind": "504_after_accept", "match": "submit", "times": 1}                 carried out, then 504; 504_before_accept
    {"kind": "reset_before_accept"} {"kind": "reset_after_accept"}              a TCP reset, no byte of an answer
    {"kind": "html_body", "status": 401}                                        a page; "executed": true carries it out
    {"kind": "garbage", "match": "positions"}                                   the answer's JSON, cut in the middle
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from services.exchange.api.desk import Desk
from services.exchange.api.sim import ControlRoute
from services.exchange.api.wire import answer
from services.exchange.rules.faults import Fault, Standing, numbered, plain_fault
from shared.errors import NotFound

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
    return [*desk.wire.standing.values()]


def row(standing: Standing) -> dict[str, Any]:
    """A fault with its counts."""
    return {**plain_fault(standing.fault), "seen": standing.seen, "hits": standing.hits}


def _add(desk: Desk, fault: Fault) -> Standing:
    named = numbered(fault, frozenset(standing.fault.id for standing in standing_of(desk)))
    desk.wire.add(named)
    return desk.wire.standing[named.id]


def _clear(desk: Desk, fault_id: str) -> list[Fault]:
    return desk.wire.clear(fault_id)
