"""The broker: alpaca-py's trading client behind the Broker port.

The SDK is synchronous, so it runs in a small pool of threads. Its blind retries are off and every call has a time-out.
Answers are read raw and parsed by alpaca_orders.py: the SDK's models refuse a whole answer for one new word.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

import requests
import structlog
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from requests.adapters import HTTPAdapter

from config.settings import Settings
from shared.adapters import alpaca_orders as wire
from shared.adapters.alpaca_http import EXIT_RESERVE, TRADING_BUDGET
from shared.domain.listing import Listed, Unreadable
from shared.domain.money.flows import CashFlow
from shared.domain.order import BrokerOrder, Execution, OrderRequest
from shared.domain.position import Account, BrokerPosition
from shared.domain.session import MarketClock
from shared.errors import BrokerRefused, OutcomeUnknown, Unavailable
from shared.ports import Cache

log = structlog.get_logger()
T = TypeVar("T")
CONNECT_SECONDS, READ_SECONDS = 3.05, 10.0
THREADS = 16  # a handful of requests that hang must leave room for the others
ORDERS_PAGE, FILLS_PAGE = 500, 100
MOST_WAIT_SECONDS = 5.0
NEVER_SENT = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


class TimedTransport(HTTPAdapter):
    """Gives every request the time-outs that the SDK leaves out."""

    def __init__(self, connect: float, read: float) -> None:
        super().__init__(pool_maxsize=THREADS)
        self._timeouts = (connect, read)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().send(request, **{**options, "timeout": self._timeouts})


class AlpacaBroker:
    """The account at Alpaca or at the simulated exchange. Errors as the Broker port says."""

    def __init__(self, settings: Settings, cache: Cache | None, *, read_seconds: float = READ_SECONDS) -> None:
        self._settings, self._cache = settings, cache
        self._threads = ThreadPoolExecutor(THREADS, "alpaca")
        self._client = TradingClient(
            settings.alpaca_api_key,
            settings.alpaca_secret_key,
            paper=settings.broker != "live",
            raw_data=True,
            url_override=settings.trading_url,
        )
        self._client._retry = 0
        session = self._client._session
        session.trust_env = settings.broker != "simulated"
        for scheme in ("https://", "http://"):
            session.mount(scheme, TimedTransport(CONNECT_SECONDS, read_seconds))

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client._session.close()

    async def account(self) -> Account:
        return wire.account(await self._read("/account", reserve=EXIT_RESERVE), self._unreadable)

    async def positions(self) -> Listed[BrokerPosition]:
        return wire.positions(await self._read("/positions"), self._unreadable)

    async def submit(self, request: OrderRequest) -> BrokerOrder:
        reserve, body = EXIT_RESERVE if request.order_class == "bracket" else 0, wire.order_body(request)
        raw = await self._ask(lambda: self._client.post("/orders", body), writes=True, spare=reserve)
        return wire.order(raw, self._lost)

    async def order(self, order_id: str) -> BrokerOrder | None:
        return await self._find(f"/orders/{order_id}", {"nested": "true"})

    async def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """The broker's own lookup shows no legs, so they are read with the order."""
        found = await self._find("/orders:by_client_order_id", {"client_order_id": client_order_id})
        return await self.order(found.id) if found is not None and not found.legs else found

    async def orders(self, *, after: datetime | None = None, open_only: bool = False) -> Listed[BrokerOrder]:
        query: dict[str, Any] = {"limit": ORDERS_PAGE, "direction": "asc", "nested": "true"}
        query |= {"status": "open" if open_only else "all"}
        found: dict[str, BrokerOrder] = {}
        lost: dict[str, Unreadable] = {}
        while True:
            page = wire.orders(
                await self._read("/orders", query | ({"after": after.isoformat()} if after else {})), self._unreadable
            )
            fresh = [order for order in page if order.id not in found]
            found |= {order.id: order for order in fresh}
            lost |= {row.id or f"{len(lost)}": row for row in page.unreadable}
            if len(page) < ORDERS_PAGE or not fresh:
                return Listed(tuple(found.values()), tuple(lost.values()))
            # The cursor is exclusive and several orders may share a moment.
            after = page.rows[-1].submitted_at - timedelta(microseconds=1)

    async def cancel(self, order_id: str) -> None:
        try:
            await self._ask(lambda: self._client.delete(f"/orders/{order_id}"), writes=True)
        except BrokerRefused as refused:
            finished = refused.status == 422 and "already" in refused.detail
            if refused.status != 404 and not finished:
                raise

    async def cancel_all(self) -> list[dict[str, Any]]:
        """Ask for cancellation of everything: one row an order, each with a status of its own (the answer is 207)."""
        rows = await self._ask(lambda: self._client.delete("/orders"), writes=True)
        return rows if isinstance(rows, list) else []

    async def hours(self) -> MarketClock:
        return wire.market_clock(await self._read("/clock"), self._unreadable)

    async def close_position(self, symbol: str) -> BrokerOrder | None:
        try:
            raw = await self._ask(lambda: self._client.delete(f"/positions/{symbol}"), writes=True)
        except BrokerRefused as refused:
            if refused.status == 404:
                return None
            raise
        return wire.order(raw, self._lost)

    async def executions(self, after: datetime) -> tuple[Execution, ...]:
        return wire.executions(await self._activities({"activity_types": "FILL"}, after))

    async def cash_flows(self, after: datetime) -> tuple[CashFlow, ...]:
        rows = await self._activities({"category": "non_trade_activity"}, after, EXIT_RESERVE)
        return wire.cash_flows(rows, self._unreadable)

    async def _activities(self, which: dict[str, Any], after: datetime, reserve: int = 0) -> list[Any]:
        """Every page."""
        query = which | {"direction": "asc", "page_size": FILLS_PAGE, "after": after.isoformat()}
        rows: list[Any] = []
        while True:
            page = await self._read("/account/activities", query, reserve)
            if not isinstance(page, list):
                raise self._unreadable("activities", page)
            rows += page
            if len(page) < FILLS_PAGE:
                return rows
            if not isinstance(page[-1], dict) or not page[-1].get("id"):
                raise self._unreadable("activities", page[-1])
            query |= {"page_token": page[-1]["id"]}

    async def _find(self, path: str, query: dict[str, Any]) -> BrokerOrder | None:
        """None only where the broker itself says there is no such order: a page of a gateway says nothing of it."""
        try:
            raw = await self._ask(lambda: self._client.get(path, query), writes=False)
        except BrokerRefused as refused:
            if refused.status == 404 and refused.code is not None:
                return None
            raise _not_told(refused) from refused
        return wire.order(raw, self._unreadable)

    async def _read(self, path: str, query: dict[str, Any] | None = None, reserve: int = 0) -> Any:
        try:
            return await self._ask(lambda: self._client.get(path, query), writes=False, spare=reserve)
        except BrokerRefused as refused:
            raise _not_told(refused) from refused

    async def _ask(self, call: Callable[[], T], *, writes: bool, spare: int = 0) -> T:
        """Every request passes here: budget, thread, and what its failure means."""
        await self._take(spare)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except APIError as error:
            raise _meaning(error, writes) from error
        except requests.exceptions.RequestException as error:
            sent = not any(word in repr(error) for word in NEVER_SENT)
            kind = OutcomeUnknown if writes and sent else Unavailable
            raise kind(f"the broker did not answer: {type(error).__name__}") from error

    async def _take(self, spare: int) -> None:
        """One request from the budget that all services share; the simulated exchange has none.

        What keeps off the reserve (entries) does not wait for long: it would be sent at a price of minutes ago. Raises
        Unavailable then.
        """
        if self._settings.broker == "simulated" or self._cache is None:
            return
        per_minute, waited = self._settings.alpaca_requests_per_minute, 0.0
        while (wait := await self._cache.take(TRADING_BUDGET, per_minute, 1, spare, urgent=not spare)) > 0:
            waited += wait
            if spare and waited > MOST_WAIT_SECONDS:
                raise Unavailable(f"the request budget ({per_minute} a minute) is used up but for the reserve of exits")
            await asyncio.sleep(wait)

    @staticmethod
    def _unreadable(what: str, raw: object) -> Unavailable:
        log.error("broker_answer_unreadable", what=what, answer=str(raw)[:300])
        return Unavailable(f"the broker's answer ({what}) could not be read")

    @staticmethod
    def _lost(what: str, raw: object) -> OutcomeUnknown:
        log.error("broker_answer_unreadable", what=what, answer=str(raw)[:300])
        return OutcomeUnknown(f"the broker's answer ({what}) could not be read")


def _not_told(refused: BrokerRefused) -> Unavailable:
    """A question that is turned down is unanswered; it says nothing about what was asked for."""
    return Unavailable(f"the broker answered {refused.status} to a question: {refused.detail}")


def _meaning(error: APIError, writes: bool) -> Exception:
    """429, 5xx and what does not come from the broker itself (no code: a gateway's page) leave a write in doubt; every
    other answer is a final no.
    """
    status = error.status_code or 0
    code, message, extra = wire.refusal(str(error), status)
    if status == 429 or status >= 500 or (writes and code is None):
        kind = OutcomeUnknown if writes else Unavailable
        return kind(f"the broker answered {status}: {message}")
    return BrokerRefused(message, status=status, code=code, extra=extra, refusal=wire.refusal_code(message, extra))
