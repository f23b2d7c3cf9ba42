"""Alpaca's routes about what an account owns: positions, the account, its settings, activities, equity."""

from typing import Any, Literal

from fastapi import APIRouter, Query, Response

from services.exchange.api.data import moment_of
from services.exchange.api.desk import Body, Caller, Desk, Refused, TradingRoute, accepted, example_body
from services.exchange.api.wire import answer
from services.exchange.rules.commands import NOT_FOUND
from services.exchange.rules.listing import ActivityQuery, equity_curve, list_activities
from services.exchange.rules.orders import Refusal
from services.exchange.rules.render import account_json, activity_json, asset_id, close_part, order_json, position_json
from services.exchange.rules.validation import FORM

TIMEFRAMES = {"1Min": 60.0, "5Min": 300.0, "15Min": 900.0, "1H": 3600.0, "1D": 86_400.0}


def routes(desk: Desk) -> APIRouter:
    """Positions and everything under /v2/account."""
    router = APIRouter(route_class=TradingRoute, tags=["account"])
    _add_positions(router, desk)
    _add_closing(router, desk)
    _add_account(router, desk)
    _add_activities(router, desk)
    _add_equity(router, desk)
    return router


def _symbol(desk: Desk, account: str, name: str) -> str:
    """A symbol, given as itself or by its asset id."""
    held = desk.book(account).ledger.positions
    return next((p.symbol for p in held if asset_id(p.symbol) == name), name)


def _add_positions(router: APIRouter, desk: Desk) -> None:
    @router.get("/v2/positions", summary="Every position")
    async def positions(account: Caller) -> Response:
        """Valued at the last price known."""
        book = desk.seen(account)
        return answer([position_json(book, held, desk.now) for held in book.ledger.positions])

    @router.get("/v2/positions/{symbol}", summary="One position")
    async def position(account: Caller, symbol: str) -> Response:
        """404 when flat."""
        book = desk.seen(account)
        held = book.ledger.position(_symbol(desk, account, symbol))
        if held is None:
            raise Refused(Refusal(404, NOT_FOUND, "position does not exist"))
        return answer(position_json(book, held, desk.now))


def _add_closing(router: APIRouter, desk: Desk) -> None:
    @router.delete("/v2/positions", summary="Close every position")
    async def close_all(account: Caller, cancel_orders: bool = False) -> Response:
        """207: one line a symbol. 403 within it where shares are held, also by orders whose cancel was just asked."""
        parts: list[Any] = accepted(desk.ask(account, "close_all", {"cancel_orders": cancel_orders}))
        return answer([close_part(part) for part in parts], 207)

    @router.delete("/v2/positions/{symbol}", summary="Close one position, or a part of it")
    async def close(account: Caller, symbol: str, qty: str | None = None, percentage: str | None = None) -> Response:
        """The market order that does it. Resting exits are not canceled: 403 while they hold the shares."""
        name = _symbol(desk, account, symbol)
        order = accepted(desk.ask(account, "close", {"symbol": name, "qty": qty, "percentage": percentage}))
        return answer(order_json(order))


def _add_account(router: APIRouter, desk: Desk) -> None:
    @router.get("/v2/account", summary="The account")
    async def account_now(account: Caller) -> Response:
        """Equity at the last prices known; `last_equity` is that of the previous close."""
        return answer(account_json(desk.book(account), desk.now))

    @router.get("/v2/account/configurations", summary="The account's settings")
    async def read_settings(account: Caller) -> Response:
        """Without the pattern-day-trader settings, which are gone since July 2026."""
        return answer(desk.book(account).config.model_dump(mode="json"))

    @router.patch(
        "/v2/account/configurations",
        summary="Change the account's settings",
        openapi_extra=example_body(no_shorting=True),
    )
    async def change_settings(account: Caller, body: Body) -> Response:
        """What is left out stays."""
        return answer(accepted(desk.ask(account, "configure", body)).model_dump(mode="json"))


def _add_activities(router: APIRouter, desk: Desk) -> None:
    async def activities(
        account: Caller,
        activity_types: str = "",
        category: Literal["trade_activity", "non_trade_activity"] | None = None,
        after: str | None = None,
        until: str | None = None,
        date: str | None = None,
        direction: Literal["asc", "desc"] = "desc",
        page_size: int = Query(100, ge=1, le=100),
        page_token: str = "",
    ) -> Response:
        """One row an execution or a transfer of cash, by the time of listing. `after` is strict; `page_token` is the
        id of the last row seen.
        """
        if activity_types and category:
            raise Refused(Refusal(422, FORM, "only one of activity_types or category is accepted"))
        start = moment_of(date or after, "after", 0.0) if date or after else None
        end = start + 86_400 if date and start is not None else moment_of(until, "until", 0.0) if until else None
        kinds = frozenset(filter(None, activity_types.split(",")))
        trades = None if category is None else category == "trade_activity"
        query = ActivityQuery(kinds, trades, start, end, direction == "asc", page_size, page_token)
        return answer([activity_json(row) for row in list_activities(desk.seen(account), query, desk.now)])

    router.get("/v2/account/activities", summary="Fills and transfers of cash")(activities)

    @router.get("/v2/account/activities/{activity_type}", summary="Activities of one kind")
    async def of_one_type(
        account: Caller,
        activity_type: str,
        after: str | None = None,
        until: str | None = None,
        direction: Literal["asc", "desc"] = "desc",
        page_size: int = Query(100, ge=1, le=100),
        page_token: str = "",
    ) -> Response:
        """FILL, CSD, CSW, TRANS (both of them), and what else was played."""
        return await activities(account, activity_type, None, after, until, None, direction, page_size, page_token)


def _add_equity(router: APIRouter, desk: Desk) -> None:
    @router.get("/v2/account/portfolio/history", summary="The equity curve")
    async def history(account: Caller, period: str = "1D", timeframe: str = "5Min") -> Response:
        """Of the session that is played, left-labelled; before it the account held its starting cash."""
        step = TIMEFRAMES.get(timeframe)
        if step is None:
            raise Refused(Refusal(422, 40010001, f"invalid timeframe: {timeframe}"))
        book = desk.book(account)
        points = list(equity_curve(book, step, desk.now))
        base = book.ledger.start
        return answer(
            {
                "timestamp": [int(point.at) for point in points],
                "equity": [round(float(point.equity), 2) for point in points],
                "profit_loss": [round(float(point.equity - base), 2) for point in points],
                "profit_loss_pct": [round(float((point.equity - base) / base), 6) for point in points],
                "base_value": float(base),
                "timeframe": timeframe,
            }
        )
