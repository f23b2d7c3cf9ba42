"""Trading's routes: approved orders in, the state of orders, positions and account out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, FastAPI, Path, Query

from services.trading import store
from services.trading.flow import serve
from services.trading.flow.account import account_today
from services.trading.flow.desk import Desk, open_desk
from services.trading.flow.reconcile import standing
from services.trading.flow.send import place_entry
from services.trading.flow.watch import watching
from services.trading.rules.orders import OrderRow, view
from shared.deps import Deps
from shared.domain.money.fees import FeeBooks
from shared.domain.order import ApprovedOrder, OrderView
from shared.domain.position import Account, CloseRequest, Origin, PositionView, Reconciliation
from shared.errors import NotFound
from shared.web import new_app

ABOUT = (
    "Sends approved orders as brackets, guards what was filled, closes in time, and keeps the books with the broker."
)
log = structlog.get_logger()
Symbol = Annotated[str, Path(min_length=1, max_length=12)]


def create_app(deps: Deps) -> FastAPI:
    """The service. Raises ConfigError without a broker."""
    desk = open_desk(deps)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with watching(desk):
            yield

    async def health() -> dict[str, Any]:
        return await serve.health_of(desk)

    app = new_app("trading", deps, about=ABOUT, lifespan=lifespan, health=health)
    app.include_router(_routes(desk), prefix="/api/v1")
    return app


def _routes(desk: Desk) -> APIRouter:
    router = APIRouter()
    _add_orders(router, desk)
    _add_positions(router, desk)
    _add_books(router, desk)
    return router


async def _order(desk: Desk, order_id: UUID) -> OrderRow:
    row = await store.order_by_id(desk.deps.pool, order_id)
    if row is None:
        raise NotFound(f"no order {order_id}", field="order_id")
    return row


def _add_orders(router: APIRouter, desk: Desk) -> None:
    @router.post("/orders", summary="Send an approved order", tags=["orders"])
    async def send(approved: ApprovedOrder) -> OrderView:
        """The same body twice is one order. `status` intended: the broker's answer is not known yet and is being
        found out. 422 when not approved as it stands, 409 with the reason when it cannot be sent now.
        """
        row = await place_entry(desk, approved)
        desk.poke()
        return view(row)

    @router.get("/orders", summary="Orders, newest first", tags=["orders"])
    async def orders(
        cycle_id: str | None = None,
        symbol: str | None = None,
        status: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> tuple[OrderView, ...]:
        """`status=open` means every status that is not final."""
        rows = await store.list_orders(desk.deps.pool, cycle_id, symbol and symbol.upper(), status, limit)
        return tuple(view(row) for row in rows)

    @router.get("/orders/{order_id}", summary="One order", tags=["orders"])
    async def order(order_id: UUID) -> OrderView:
        """404 for an id that was never used."""
        return view(await _order(desk, order_id))

    @router.delete("/orders/{order_id}", summary="Cancel an order", tags=["orders"])
    async def cancel(order_id: UUID) -> OrderView:
        """Asked for at once, done when its status says so. 409 for a finished one."""
        return view(await serve.cancel_order(desk, await _order(desk, order_id), "cancelled by hand"))


def _closing(symbol: str | None, request: CloseRequest | None) -> CloseRequest:
    """The wish as asked, or by hand where nothing is said; its words are logged, for the books keep its code alone."""
    asked = request or CloseRequest()
    log.info("closing_asked", symbol=symbol, code=asked.code, reason=asked.reason)
    return asked


def _add_positions(router: APIRouter, desk: Desk) -> None:
    @router.get("/positions", summary="Positions", tags=["positions"])
    async def positions(
        status: Literal["open", "closed"] | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        origin: Origin = "system",
    ) -> tuple[PositionView, ...]:
        """With what protects each. An open one with an exit reason is being closed. `origin=foreign`: whole shares of
        stocks that this system did not buy; everything that is not ours stands in /reconciliation.
        """
        rows = await store.positions(desk.deps.pool, status, None, limit, origin)
        now = await desk.deps.clock.now()
        return tuple([await serve.show(desk, row, now) for row in rows])

    @router.post("/positions/close-all", summary="Close everything", tags=["positions"])
    async def close_all(request: CloseRequest | None = None) -> tuple[PositionView, ...]:
        """Begun at once and carried on until flat; done when no position is open and reconciliation says flat.
        Entries under way are cancelled, and nothing approved before this moment is sent any more.
        """
        return await serve.close_all(desk, _closing(None, request).code)

    @router.get("/positions/{symbol}", summary="One position", tags=["positions"])
    async def position(symbol: Symbol) -> PositionView:
        """The open one, else the last closed one. 404 for a symbol never held."""
        return await serve.find_position(desk, symbol)

    @router.post("/positions/{symbol}/close", summary="Close a position", tags=["positions"])
    async def close(symbol: Symbol, request: CloseRequest | None = None) -> PositionView:
        """Begun at once and carried on until flat. 404 when nothing is held."""
        return await serve.close_symbol(desk, symbol, _closing(symbol, request).code)


def _add_books(router: APIRouter, desk: Desk) -> None:
    @router.get("/account", summary="The broker's account", tags=["books"])
    async def account() -> Account:
        """Asked now. 503 when the broker does not answer: never an old number. `cash_flows`: what the owner has
        moved in since the previous close, out of it negative; null when that could not be read. `accrued_fees`: what
        today's executions will still be charged.
        """
        return await account_today(desk)

    @router.get("/fees", summary="Fees, charged and expected", tags=["books"])
    async def fees() -> FeeBooks:
        """As of the last reading of the broker's activities, which is hourly; POST /reconcile reads them now."""
        return await serve.fee_books(desk)

    @router.get("/reconciliation", summary="How our books and the broker's compare", tags=["books"])
    async def reconciliation() -> Reconciliation:
        """As of the last comparison."""
        return await standing(desk)

    @router.post("/reconcile", summary="Compare now", tags=["books"])
    async def reconcile() -> Reconciliation:
        """503 when the broker does not answer."""
        return await serve.reconcile_now(desk)
