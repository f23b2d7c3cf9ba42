"""The seams to the outside, one adapter each; the simulated exchange stands behind the same ones."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Protocol, TypeVar

from pydantic import BaseModel

from shared.domain.listing import Listed
from shared.domain.market import Asset, BarTable, Quote, Snapshots, Timeframe, Trade
from shared.domain.money.flows import CashFlow
from shared.domain.news import Headline, Question, Reading, Terms
from shared.domain.order import BrokerOrder, Execution, OrderRequest, TradeUpdate
from shared.domain.position import Account, BrokerPosition
from shared.domain.session import MarketClock, Session

T = TypeVar("T")


class Clock(Protocol):
    """Time. Live it is the system's, simulated it is the exchange's."""

    async def now(self) -> datetime:
        """The current time, aware, UTC."""
        ...

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        """Wait until `when`, or earlier when asked to: for a trade update (simulated), or once the machine's clock was
        set (real). Returns the time it is then.
        """
        ...


class MarketData(Protocol):
    """Prices, bars, assets and hours. All methods raise Unavailable when the source does not answer."""

    async def assets(self) -> tuple[Asset, ...]: ...

    async def snapshots(self, symbols: Sequence[str]) -> Snapshots:
        """One row for each symbol asked, in the order asked; NaN where the source had nothing."""
        ...

    async def bars(self, symbols: Sequence[str], timeframe: Timeframe, start: datetime, end: datetime) -> BarTable:
        """Complete bars that open in [start, end); a bar still forming is left out."""
        ...

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]: ...

    async def trades(self, symbols: Sequence[str]) -> dict[str, Trade]: ...

    async def sectors(self) -> dict[str, str]:
        """Sector by symbol, where the source knows it; empty where it does not."""
        ...

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Trading days in [start, end], with half days' real hours."""
        ...


class NewsFeed(Protocol):
    """One source of headlines."""

    name: str
    terms: Terms

    @property
    def dropped(self) -> int:
        """Items that could not be read, since the start."""
        ...

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """Items published or changed in (since, until] about any of the symbols, newest first, as they stood then.

        Raises Unavailable; NotNow when it may not be asked at present, such as when its budget is used up.
        """
        ...


class Reader(Protocol):
    """Reads texts better than our own rules do, at a price: one rung of the ladder."""

    name: str
    off: str | None
    most: int
    """How many texts it is given for one assessment."""

    async def read(self, question: Question) -> Reading:
        """Raises Unavailable; NotNow when its budget is used up."""
        ...


class Broker(Protocol):
    """The account at Alpaca, or at the simulated exchange.

    Every call may raise BrokerRefused (a final no), OutcomeUnknown (time-out, gateway error: look it up by id
    before asking again) or Unavailable (not reached). An empty answer is never an error, and an error never empty.
    """

    async def account(self) -> Account:
        """Without the cash flows of the day; those are `cash_flows`, read after it."""
        ...

    async def cash_flows(self, after: datetime) -> tuple[CashFlow, ...]:
        """Every activity that is no trade, listed after a moment, oldest first."""
        ...

    async def hours(self) -> MarketClock:
        """The broker's own clock and the market's hours by it."""
        ...

    async def positions(self) -> Listed[BrokerPosition]:
        """What is held, by symbol; a row that cannot be read loses itself, not the list."""
        ...

    async def submit(self, request: OrderRequest) -> BrokerOrder: ...

    async def order(self, order_id: str) -> BrokerOrder | None:
        """With its legs; None when the broker says there is none."""
        ...

    async def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None: ...

    async def orders(self, *, after: datetime | None = None, open_only: bool = False) -> Listed[BrokerOrder]:
        """All orders submitted after a moment, legs nested in their parents, oldest first; read as positions are."""
        ...

    async def cancel(self, order_id: str) -> None:
        """Ask for cancellation; it completes later. Cancelling a finished or unknown order is not an error."""
        ...

    async def close_position(self, symbol: str) -> BrokerOrder | None:
        """Sell everything at market; None when already flat. Refused while orders hold the shares."""
        ...

    async def executions(self, after: datetime) -> tuple[Execution, ...]:
        """Every fill after a moment, oldest first."""
        ...


class BrokerStream(Protocol):
    """The account's live events."""

    def updates(self) -> AsyncIterator[TradeUpdate | None]:
        """Events as they come; None after each (re)connect, when everything must be looked up again."""
        ...

    def lived_seconds(self) -> float | None:
        """How long the present connection has lived, in seconds of the wall's time; None while there is none."""
        ...


class Calls(Protocol):
    """Requests to the services of config/services.py, by name, answered as typed values.

    Raises the error that the other side's answer means (shared/errors.py); Unavailable when it was never reached or
    answered in another form; OutcomeUnknown when it was asked and did not answer within `timeout` seconds. While it
    raises Unavailable it is asked again, until `deadline` seconds have passed.
    """

    async def get(self, service: str, path: str, answer: type[T], *, timeout: float = 30, deadline: float = 0) -> T: ...

    async def post(
        self,
        service: str,
        path: str,
        body: BaseModel | None,
        answer: type[T],
        *,
        timeout: float = 30,
        deadline: float = 0,
        repeatable: bool = False,
    ) -> T:
        """POST a value. Only a `repeatable` call (one that the other side answers the same twice) is sent again after
        an answer was lost; one that was never received always is, until `deadline`.
        """
        ...


class Cache(Protocol):
    """A convenience, never a truth: every method answers as if empty when the cache is gone."""

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None: ...

    async def publish(self, stream: str, payload: bytes) -> None: ...

    async def take(
        self, budget: str, per_minute: int, cost: int = 1, reserve: int = 0, *, urgent: bool = False
    ) -> float:
        """Take from a budget that all services share; 0.0 when granted, else seconds to wait.

        `reserve` requests of the minute are left untouched. Without the shared count each process keeps to a quarter
        of the budget by itself, except for what is `urgent` (exits, and what they rest on): that may use all of it.
        """
        ...

    async def ping(self) -> bool: ...


class Mailer(Protocol):
    """Sends mail. Raises Unavailable."""

    async def send(self, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None: ...
