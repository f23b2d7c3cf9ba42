"""The broker's lists as they were told, and a position closed whole."""

from typing import Any

from shared.adapters.alpaca import AlpacaBroker
from shared.errors import BrokerRefused, Unavailable


class RawBroker(AlpacaBroker):
    """The broker whose lists come as they were told, so that one odd row costs no other."""

    async def rows(self, path: str, query: dict[str, Any] | None = None) -> list[Any]:
        """Raises Unavailable for what is no list."""
        told = await self._read(path, query)
        if not isinstance(told, list):
            raise Unavailable(f"the broker's answer to {path} is no list")
        return told

    async def close_out(self, key: str) -> None:
        """Sell (or buy back) all of a position, fractions included; one that is gone already is no error."""
        try:
            await self._ask(lambda: self._client.delete(f"/positions/{key}"), writes=True)
        except BrokerRefused as refused:
            if refused.status != 404:
                raise
