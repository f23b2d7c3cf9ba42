"""The venue of the adapters' tests, on loopback."""

from tests.shared.conftest import venue, venue_url

__all__ = ["venue", "venue_url"]
