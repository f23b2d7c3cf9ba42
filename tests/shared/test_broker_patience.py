"""A silent broker and a ration of requests: the adapter gives up in time, and leaves the last requests to exits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import pytest

from config.settings import Settings
from shared.adapters.alpaca import READ_SECONDS, AlpacaBroker
from shared.adapters.alpaca_http import EXIT_RESERVE, LOOKUP_RESERVE
from shared.adapters.redis_cache import RedisCache
from shared.domain.order import OrderRequest
from shared.errors import OutcomeUnknown, Unavailable
from tests.exchange.venues import KEY

EXIT = OrderRequest(client_order_id="cat-1", symbol="AAA", side="sell", quantity=10, type="market")
MOST_SECONDS = 5.0


@asynccontextmanager
async def silent(read_seconds: float) -> AsyncIterator[AlpacaBroker]:
    """A broker that accepts connections and never says a word."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    broker = _broker(url, None, read_seconds)
    try:
        yield broker
    finally:
        broker.close()
        server.close()


def _broker(url: str, cache: RedisCache | None, read_seconds: float = 2.0) -> AlpacaBroker:
    settings = Settings(alpaca_base_url=url, alpaca_api_key=KEY, alpaca_secret_key="secret")
    return AlpacaBroker(settings, cache, read_seconds=read_seconds)


async def test_a_silent_broker_is_given_up_on() -> None:
    async with silent(0.3) as broker:
        began = perf_counter()
        with pytest.raises(OutcomeUnknown):
            await asyncio.wait_for(broker.submit(EXIT), MOST_SECONDS)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(broker.positions(), MOST_SECONDS)
        assert perf_counter() - began < MOST_SECONDS
    assert READ_SECONDS <= 10


class Spent(RedisCache):
    """A ration that is used up, and what each request asked to leave of it."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1/0")
        self.left: list[int] = []

    async def take(
        self, budget: str, per_minute: int, cost: int = 1, reserve: int = 0, *, urgent: bool = False
    ) -> float:
        self.left.append(reserve)
        raise Unavailable("the ration is used up")


async def test_what_opens_leaves_a_reserve_to_what_closes() -> None:
    ration = Spent()
    broker = _broker("https://paper-api.alpaca.markets", ration)
    bracket = EXIT.model_copy(update={"side": "buy", "order_class": "bracket"})
    oco = EXIT.model_copy(update={"order_class": "oco"})
    for asked in (broker.submit(bracket), broker.submit(EXIT), broker.submit(oco), broker.cancel("1")):
        with pytest.raises(Unavailable):
            await asked
    broker.close()
    assert ration.left == [EXIT_RESERVE, 0, 0, 0]
    assert LOOKUP_RESERVE > EXIT_RESERVE  # what can wait gives way to entries, and these to exits
