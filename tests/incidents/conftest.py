"""The worlds of the services whose guards are tried here."""

from tests.risk_manager.conftest import world
from tests.shared.conftest import venue, venue_url
from tests.workflow.conftest import bench, folder, make_bench

__all__ = ["bench", "folder", "make_bench", "venue", "venue_url", "world"]
