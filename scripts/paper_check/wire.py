"""The account's REST and stream, raw: every answer is kept as it came, but for the account's numbers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp
import httpx

from config.settings import Settings

SECONDS, EVENTS_SECONDS = 15.0, 10.0
SECRET_KEYS = frozenset({"account_number", "account_id", "account"})


class CheckError(RuntimeError):
    """The check cannot go on; the text says why."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. `code` is the broker's own, of an error body."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def refusal(self) -> str:
        """Status and code as the questions name them; "accepted" for success."""
        if self.status < 300:
            return "accepted"
        code = self.body.get("code") if isinstance(self.body, dict) else None
        price = " with base_price" if isinstance(self.body, dict) and "base_price" in self.body else ""
        return f"{self.status} {code}{price}"


def masked(value: Any, *, of_account: bool = False) -> Any:
    """The same JSON with account numbers hidden; the account's own `id` as well."""
    if isinstance(value, list):
        return [masked(one, of_account=of_account) for one in value]
    if not isinstance(value, dict):
        return value
    of_account = of_account or "account_number" in value
    hidden = SECRET_KEYS | ({"id"} if of_account else set())
    return {key: "masked" if key in hidden else masked(one) for key, one in value.items()}


@dataclass
class Paper:
    """A paper account and everything it has said. `spent` is what all buys together may have cost, USD."""

    http: httpx.AsyncClient
    data_url: str
    most_usd: Decimal
    record: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    spent: Decimal = Decimal(0)

    async def ask(self, method: str, path: str, *, body: Any = None, data: bool = False, **query: Any) -> Answer:
        """Raises CheckError when the broker does not answer at all."""
        url = self.data_url + path if data else path
        try:
            told = await self.http.request(method, url, json=body, params=query or None)
        except httpx.HTTPError as error:
            raise CheckError(f"the broker did not answer {method} {path}: {type(error).__name__}") from error
        try:
            said = told.json() if told.content else None
        except ValueError:
            said = told.text[:2000]
        headers = {name: value for name, value in told.headers.items() if name.startswith(("x-ratelimit", "retry"))}
        kept = {"method": method, "path": path, "query": query, "body": body, "status": told.status_code}
        self.record.append(kept | {"headers": headers, "answer": masked(said)})
        return Answer(told.status_code, said, headers)

    async def buy(self, body: dict[str, Any], worst_price: Decimal) -> Answer:
        """An order that may cost money, within the bound over the whole check. Raises CheckError beyond it."""
        cost = worst_price * Decimal(body["qty"])
        if self.spent + cost > self.most_usd:
            more = f"{self.spent:.2f} USD are used and this order could cost {cost:.2f}"
            raise CheckError(f"{more}: more than --most-usd {self.most_usd:g}; name a cheaper --symbol or allow more")
        answer = await self.ask("POST", "/v2/orders", body=body | {"side": "buy"})
        if answer.status < 300:
            self.spent += cost
        return answer

    async def order(self, order_id: str) -> dict[str, Any]:
        """One order with its legs, as it is now."""
        answer = await self.ask("GET", f"/v2/orders/{order_id}", nested="true")
        if answer.status != 200:
            raise CheckError(f"an order of this check cannot be read: {answer.refusal}")
        found: dict[str, Any] = answer.body
        return found

    def events_of(self, order_id: str) -> list[str]:
        """What the stream has told of one order, in order."""
        return [one["event"] for one in self.events if one.get("order", {}).get("id") == order_id]


@asynccontextmanager
async def paper_account(settings: Settings, most_usd: Decimal) -> AsyncIterator[Paper]:
    """The account with its stream running. Raises CheckError when the stream is refused."""
    keys = {"APCA-API-KEY-ID": settings.alpaca_api_key, "APCA-API-SECRET-KEY": settings.alpaca_secret_key}
    trusting = settings.broker != "simulated"
    async with (
        httpx.AsyncClient(base_url=settings.trading_url, headers=keys, timeout=SECONDS, trust_env=trusting) as http,
        aiohttp.ClientSession(trust_env=trusting) as session,
    ):
        paper = Paper(http, settings.data_url, most_usd)
        try:
            stream = await session.ws_connect(settings.stream_url, timeout=aiohttp.ClientWSTimeout(ws_close=2))
            await _authorized(stream, settings)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CheckError(f"the account's stream does not open: {type(error).__name__}") from error
        listening = asyncio.create_task(_listen(stream, paper))
        try:
            yield paper
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await stream.close()


async def _authorized(stream: aiohttp.ClientWebSocketResponse, settings: Settings) -> None:
    data = {"key_id": settings.alpaca_api_key, "secret_key": settings.alpaca_secret_key}
    await stream.send_json({"action": "authenticate", "data": data})
    said = await asyncio.wait_for(_next(stream), EVENTS_SECONDS)
    if said.get("data", {}).get("status") != "authorized":
        raise CheckError("the account's stream did not authorize these keys")
    await stream.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})


async def _next(stream: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next message; Alpaca's paper stream sends JSON in binary frames. Raises CheckError at the stream's end."""
    message = await stream.receive()
    if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
        raise CheckError("the account's stream was closed; is another program connected with these keys?")
    found: dict[str, Any] = json.loads(message.data)
    return found


async def _listen(stream: aiohttp.ClientWebSocketResponse, paper: Paper) -> None:
    while True:
        said = await _next(stream)
        if said.get("stream") == "trade_updates":
            paper.events.append(said["data"])
            paper.record.append({"stream": "trade_updates", "answer": masked(said["data"])})
