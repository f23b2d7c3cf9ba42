"""Items of a made-up wire."""

from datetime import timedelta

from shared.domain.news import Headline
from tests.technical.world import NOW


def item(
    text: str, minutes: float = 30, *symbols: str, id: str = "", source: str = "benzinga", summary: str = ""
) -> Headline:
    """An item published so many minutes before NOW; its id is its text where none is given."""
    return Headline(
        id=id or text,
        source=source,
        published_at=NOW - timedelta(minutes=minutes),
        headline=text,
        summary=summary,
        symbols=symbols or ("ACME",),
    )
