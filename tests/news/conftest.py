"""The servers of the adapters' tests, on loopback."""

from collections.abc import AsyncIterator

import pytest

from tests.news.street import Street, opened
from tests.shared.conftest import venue, venue_url

__all__ = ["street", "venue", "venue_url"]


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    async with opened() as server:
        yield server
