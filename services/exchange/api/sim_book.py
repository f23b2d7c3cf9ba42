"""The control plane of the trading half: an account laid open for audits, and the venue's settings."""

from typing import Any

from fastapi import APIRouter, Response

from services.exchange.api.desk import Body, Desk, TradingRoute, accepted, example_body
from services.exchange.api.wire import answer
from services.exchange.rules.book import Book
from services.exchange.rules.permission import plain
from services.exchange.rules.render import (
    account_json,
    activity_json,
    order_json,
    order_with_legs,
    position_json,
    transfer_json,
    update_json,
)

NO_CONTENT = 204
BY_HAND = {"symbol": "NVDA", "qty": "5", "side": "buy", "type": "market", "time_in_force": "day"}

HELD = {"symbol": "VTI", "qty": "3", "price": "290"}


def routes(desk: Desk) -> APIRouter:
    """Everything under /_sim that is about accounts and the venue."""
    router = APIRouter(prefix="/_sim", route_class=TradingRoute, tags=["control plane"])

    @router.get("/accounts", summary="The keys of all accounts")
    async def accounts() -> list[str]:
        """In the order in which they were first named."""
        return list(desk.venue.books)

    @router.get("/accounts/{key}", summary="One account, everything")
    async def account(key: str) -> Response:
        """Exact books, every order, execution and trade update so far. 404 for a key that was never used."""
        book = desk.venue.books.get(key)
        if book is None:
            return answer({"message": f"no account {key}"}, 404)
        return answer(audit(book, desk.now))

    _add_hands(router, desk)
    _add_settings(router, desk)
    return router


def _add_hands(router: APIRouter, desk: Desk) -> None:
    @router.post("/accounts/{key}/orders", summary="An order placed by hand", openapi_extra=example_body(**BY_HAND))
    async def place(key: str, body: Body) -> Response:
        """As if another client of the account had sent it: same rules, same answers, past every fault of the wire."""
        order = accepted(desk.ask(key, "submit", body))
        return answer(order_with_legs(desk.book(key), order))

    @router.post("/accounts/{key}/holdings", summary="A holding without an order", openapi_extra=example_body(**HELD))
    async def hold(key: str, body: Body) -> Response:
        """From now on the account holds exactly so much of the symbol at this average price: shares of before the
        day, a transfer, a split, a reset (qty 0). Options, coins, fractions and stocks not on the tape included.
        """
        held = accepted(desk.ask(key, "hold", body))
        return answer({"symbol": held.symbol, "qty": plain(held.qty), "cost": plain(held.cost)})

    @router.delete("/accounts/{key}/orders/{order_id}", summary="A cancel by hand", status_code=NO_CONTENT)
    async def cancel(key: str, order_id: str) -> Response:
        """As if another client of the account had asked for it."""
        accepted(desk.ask(key, "cancel", {"order_id": order_id}))
        return Response(status_code=NO_CONTENT)

    @router.post("/accounts/{key}/cash", summary="A deposit, a withdrawal", openapi_extra=example_body(amount=5000))
    async def move_cash(key: str, body: Body) -> Response:
        """`amount` USD at once, out of the account when negative; equity moves with it, `last_equity` does not.

        The activity is of `kind` (CSD or CSW when left out; JNLC, DIV, or any other), and is listed
        `listed_after_seconds` of market time later: until then the account alone shows it.
        """
        return answer(transfer_json(accepted(desk.ask(key, "transfer", body))))


def _add_settings(router: APIRouter, desk: Desk) -> None:
    @router.get("/settings", summary="The venue's settings")
    async def read_settings() -> Response:
        """Latencies, spread, slippage, partial fills, fees."""
        return answer(desk.venue.settings.model_dump(mode="json"))

    @router.post(
        "/settings",
        summary="Change the venue's settings",
        openapi_extra=example_body(slippage_bps=3, partial_fill_fraction=0.25, cancel_latency_ms=2000),
    )
    async def change_settings(body: Body) -> Response:
        """What is left out stays. From the next event on; 422 names what cannot be.

        `{"preset": "paper-2026" | "free-data" | "legacy-nested" | "none"}` sets what the presets are about all at once;
        what is named beside it wins: `{"preset": "paper-2026", "easy_to_borrow": false}`.
        """
        return answer(accepted(desk.ask("", "settings", body)).model_dump(mode="json"))


def audit(book: Book, at: float) -> dict[str, Any]:
    """The books to the last digit. `imbalance` is cash + cost of positions - realized + fees - transfers - start: zero,
    always.
    """
    ledger = book.ledger
    return {
        "key": book.key,
        "start": plain(ledger.start),
        "cash": plain(ledger.cash),
        "realized": plain(ledger.realized),
        "fees": plain(ledger.fees),
        "transferred": plain(ledger.transferred),
        "imbalance": plain(ledger.imbalance()),
        "account": account_json(book, at),
        "positions": [position_json(book, held, at) for held in ledger.positions],
        "open_orders": [order_json(order) for order in book.live_orders()],
        "orders": [order_json(order) for order in book.orders.values()],
        "executions": [activity_json(fill) for fill in book.executions],
        "transfers": [activity_json(moved) for moved in book.transfers],
        "updates": [update_json(update) for update in book.updates],
    }
