"""What a data plan may see: feeds, and how old consolidated data must be for those who pay nothing."""

from services.exchange.flow import World
from shared.errors import BadInput, Forbidden

FEEDS = {"", "sip", "iex", "delayed_sip", "otc", "boats", "overnight"}
DELAY_SECONDS = 15 * 60.0
RECENT = "subscription does not permit querying recent SIP data"


def known_feed(feed: str) -> str:
    """Raises BadInput for a feed that does not exist."""
    if feed not in FEEDS:
        raise BadInput(f"invalid feed: {feed}", field="feed")
    return feed


def check_latest(world: World, feed: str) -> None:
    """The latest of everything is recent. Without a feed the plan's best is meant. Raises Forbidden."""
    if known_feed(feed) == "sip" and not world.settings.recent_sip:
        raise Forbidden(RECENT)


def latest_known(world: World, feed: str, start: float, end: float | None) -> float:
    """Up to when the past may be told. Raises Forbidden when something later was asked for."""
    if known_feed(feed) != "sip" or world.settings.recent_sip:
        return world.clock.now
    edge = world.clock.now - DELAY_SECONDS
    if start > edge or (end is not None and end > edge):
        raise Forbidden(RECENT)
    return edge
