"""Alpaca's order routes: /v2/orders and what is below it."""

from typing import Any, Literal

from fastapi import APIRouter, Query, Response

from services.exchange.api.data import moment_of
from services.exchange.api.desk import Body, Caller, Desk, Refused, TradingRoute, accepted, example_body
from services.exchange.api.wire import answer
from services.exchange.rules import commands
from services.exchange.rules.listing import OrderQuery, list_orders
from services.exchange.rules.orders import Order, Refusal, as_uuid_text
from services.exchange.rules.render import cancel_part, order_json, order_with_legs

MOST_ORDERS = 500
NO_CONTENT = 204
BRACKET: dict[str, Any] = {
    "symbol": "NVDA",
    "qty": "40",
    "side": "buy",
    "type": "market",
    "time_in_force": "day",
    "order_class": "bracket",
    "client_order_id": "cat-20260615-NVDA-entry-1",
    "take_profit": {"limit_price": "189.40"},
    "stop_loss": {"stop_price": "181.15"},
}


def routes(desk: Desk) -> APIRouter:
    """Submit, find, list, replace, cancel."""
    router = APIRouter(route_class=TradingRoute, tags=["orders"])
    _add_submit(router, desk)
    _add_list(router, desk)
    _add_find(router, desk)
    _add_change(router, desk)
    return router


def _found(desk: Desk, account: str, order_id: str) -> Order:
    order: Order = accepted(commands.find(desk.book(account), as_uuid_text(order_id) or order_id))
    return order


def _add_submit(router: APIRouter, desk: Desk) -> None:
    @router.post("/v2/orders", summary="Submit an order", openapi_extra=example_body(**BRACKET))
    async def submit(account: Caller, body: Body) -> Response:
        """200 with the order and its legs: the request is taken, not yet accepted by the market."""
        order = accepted(desk.ask(account, "submit", body))
        return answer(order_with_legs(desk.book(account), order))


def _add_list(router: APIRouter, desk: Desk) -> None:
    @router.get("/v2/orders", summary="List orders")
    async def orders(
        account: Caller,
        status: Literal["open", "closed", "all"] = "open",
        limit: int = Query(50, ge=1, le=MOST_ORDERS),
        after: str | None = None,
        until: str | None = None,
        direction: Literal["asc", "desc"] = "desc",
        nested: bool = False,
        symbols: str = "",
        side: Literal["buy", "sell"] | None = None,
    ) -> Response:
        """By submission time. Flat, held legs are missing from `open`; nested, legs show under their parent only."""
        query = OrderQuery(
            status=status,
            limit=limit,
            after=moment_of(after, "after", 0.0) if after else None,
            until=moment_of(until, "until", 0.0) if until else None,
            ascending=direction == "asc",
            nested=nested,
            side=side,
            symbols=frozenset(part.strip() for part in symbols.split(",") if part.strip()),
        )
        book = desk.seen(account)
        found = list_orders(book, query)
        return answer([order_with_legs(book, order) if nested else order_json(order) for order in found])


def _add_find(router: APIRouter, desk: Desk) -> None:
    @router.get("/v2/orders:by_client_order_id", summary="Find an order by the client's own id")
    async def by_client_order_id(account: Caller, client_order_id: str, nested: bool = True) -> Response:
        """With its legs. 404 when no order was ever accepted under that id."""
        book = desk.seen(account)
        order_id = book.by_client_id.get(client_order_id)
        if order_id is None:
            raise Refused(Refusal(404, commands.NOT_FOUND, f"order not found for {client_order_id}"))
        order = book.orders[order_id]
        return answer(order_with_legs(book, order) if nested else order_json(order))

    @router.get("/v2/orders/{order_id}", summary="One order")
    async def one(account: Caller, order_id: str, nested: bool = False) -> Response:
        """Its legs only when nested."""
        book = desk.seen(account)
        order: Order = accepted(commands.find(book, as_uuid_text(order_id) or order_id))
        return answer(order_with_legs(book, order) if nested else order_json(order))


def _add_change(router: APIRouter, desk: Desk) -> None:
    @router.patch("/v2/orders/{order_id}", summary="Replace an order", openapi_extra=example_body(stop_price="183.5"))
    async def replace(account: Caller, order_id: str, body: Body) -> Response:
        """The replacement, with a new id. 200 does not mean that it has replaced the order yet."""
        order = _found(desk, account, order_id)
        new = accepted(desk.ask(account, "replace", {"order_id": order.id, "body": body}))
        return answer(order_with_legs(desk.book(account), new))

    @router.delete("/v2/orders/{order_id}", summary="Cancel an order", status_code=NO_CONTENT)
    async def cancel(account: Caller, order_id: str) -> Response:
        """204 says the cancel was asked for: the shares are free when it has happened."""
        accepted(desk.ask(account, "cancel", {"order_id": _found(desk, account, order_id).id}))
        return Response(status_code=NO_CONTENT)

    @router.delete("/v2/orders", summary="Cancel every open order")
    async def cancel_all(account: Caller) -> Response:
        """207: one line an order."""
        parts: list[Any] = accepted(desk.ask(account, "cancel_all", {}))
        return answer([cancel_part(part) for part in parts], 207)
