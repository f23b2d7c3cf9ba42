"""The venue of the adapters' tests, on loopback."""

from collections.abc import Iterator

import pytest

from tests.exchange.conftest import serving
from tests.shared.alpaca_venue import Venue


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def venue_url(venue: Venue) -> Iterator[str]:
    with serving(venue.app) as url:
        yield url
