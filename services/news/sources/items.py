"""A source's items become headlines one by one: one that cannot be read costs itself, and is counted."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import msgspec
import structlog

from shared.domain.news import Headline
from shared.errors import Unavailable
from shared.one_by_one import LEFT_OUT, UNREADABLE, row_of

T = TypeVar("T")
log = structlog.get_logger()


class Items(Generic[T]):
    """The items of one source: `decoder` reads a row, `make` makes a headline of it, None of what is of no use.

    `make` raises ValueError for an item that cannot be used. `dropped` counts such items since the start.
    """

    def __init__(self, source: str, make: Callable[[T], Headline | None], decoder: msgspec.json.Decoder[T]) -> None:
        self._source, self._make, self._decoder = source, make, decoder
        self._has_read, self.dropped = False, 0

    def read(self, raws: Sequence[msgspec.Raw]) -> list[Headline]:
        """Raises Unavailable when none of several items can be read, or the very first one: then it is the form that
        is not understood, and silence would be taken for no news.
        """
        return self.made(raws, lambda raw: self._make(row_of(raw, self._decoder)))

    def made(self, rows: Sequence[msgspec.Raw], make: Callable[[msgspec.Raw], Headline | None]) -> list[Headline]:
        """As `read`, with another way from a row to its headline."""
        found, good, troubles = list[Headline](), 0, list[str]()
        for row in rows:
            try:
                item = make(row)
            except UNREADABLE as error:
                troubles.append(f"{error}"[:200])
                continue
            good += 1
            found += [item] if item is not None else []
        self.count(troubles, good)
        return found

    def count(self, troubles: Sequence[str], good: int) -> None:
        """Note what could not be read of a page, and what could. Raises Unavailable as `read` does."""
        if troubles:
            self.dropped += len(troubles)
            LEFT_OUT.labels(f"news of {self._source}").inc(len(troubles))
            log.warning("news_items_dropped", source=self._source, dropped=len(troubles), first=troubles[0])
            if not good and (len(troubles) > 1 or not self._has_read):
                raise Unavailable(f"{self._source}: malformed: no item of {len(troubles)} can be read: {troubles[0]}")
        self._has_read = self._has_read or good > 0


def window(items: Sequence[Headline], since: datetime, until: datetime) -> tuple[Headline, ...]:
    """The items that were published or changed in (since, until], newest first; none that is published later."""
    inside = [item for item in items if item.headline and since < item.told_at <= until >= item.published_at]
    return tuple(sorted(inside, key=lambda item: (item.published_at, item.id), reverse=True))


def updated(published: datetime, changed: datetime | None) -> datetime | None:
    """When an item was changed, where that is later than its publication by more than the second sources round to."""
    return changed if changed is not None and changed - published > timedelta(seconds=1) else None


def in_utc(at: datetime) -> datetime:
    """The moment in UTC. Raises ValueError for a time without an offset, or out of range."""
    if at.tzinfo is None:
        raise ValueError(f"a time without an offset: {at}")
    return at.astimezone(UTC)
