"""The one next thing to do for a symbol, so that every filled share is protected and what must go, goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.trading.rules.orders import INTENDED, LEAVING, OrderRow, protecting
from services.trading.rules.positions import PositionRow

POLL = timedelta(seconds=1)
SLOW_POLL = timedelta(seconds=10)
STUCK_AFTER = timedelta(seconds=15)
HALTED_AFTER = timedelta(minutes=2)
"""An exit that nobody fills at all usually waits for a halt to end, and asking again does not help."""
RETRY = timedelta(seconds=2)
PARTIAL_GRACE = timedelta(seconds=1)
"""A market entry that filled by a part may have the rest at once; its legs wait for that, and its shares are bare."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One symbol now. `orders` are those not settled, and the parents of those that are legs.

    `refused` is the newest exit or protective order of this position if it was turned down; `asked` are orders whose
    cancellation was asked for a moment ago (a held leg does not show it).
    """

    position: PositionRow | None
    orders: tuple[OrderRow, ...]
    refused: OrderRow | None
    now: datetime
    market_open: bool
    entries_over: bool
    asked: frozenset[UUID] = frozenset()

    @property
    def live(self) -> tuple[OrderRow, ...]:
        return tuple(order for order in self.orders if not order.is_final)

    @property
    def quantity(self) -> int:
        return self.position.quantity if self.position else 0

    @property
    def protected(self) -> int:
        family = {order.order_id: order for order in self.orders}
        return min(self.quantity, sum(protecting(order, family) for order in self.live))


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do, at the latest until `until`."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """These orders shall go."""

    orders: tuple[OrderRow, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Close:
    """Everything shall be sold (a short bought back) at market."""


@dataclass(frozen=True, slots=True)
class Protect:
    """So many shares need a stop, and their target beside it."""

    quantity: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Protection was refused: the position shall be closed."""

    reason: str


Step = Rest | Cancel | Close | Protect | GiveUp


def next_step(scene: Scene) -> Step:
    """What to do now. One thing at a time: after it the scene is looked at anew."""
    unclear = [o for o in scene.orders if o.status == INTENDED or o.booked_quantity < o.filled_quantity]
    if unclear:
        return _wait(scene, unclear)
    if (unwanted := tuple(order for order in scene.live if order.cancel_reason)) and (step := _leave(scene, unwanted)):
        return step
    entries = tuple(order for order in scene.live if order.is_entry)
    if entries and (scene.entries_over or (scene.position and scene.position.exit_reason)):
        return _leave(scene, entries, "closing") or Rest(scene.now + POLL)
    if not scene.quantity:
        return _without_position(scene, entries)
    assert scene.position is not None
    if scene.position.exit_reason is not None:
        return _close(scene)
    if entries:
        return _partial_entry(scene, entries)
    return _protect(scene)


def _leave(scene: Scene, orders: tuple[OrderRow, ...], reason: str = "") -> Step | None:
    """Cancel what has not been asked to go yet; wait for what has."""
    staying = tuple(order for order in orders if order.status not in LEAVING and order.order_id not in scene.asked)
    if staying:
        return Cancel(staying, reason or staying[0].cancel_reason or "")
    return _wait(scene, orders) if orders else None


def _wait(scene: Scene, orders: Sequence[OrderRow]) -> Rest:
    """For news of these orders: a look a second, and fewer when they are stuck; requests are rationed."""
    moved = max(order.updated_at for order in orders)
    return Rest(scene.now + (POLL if scene.now - moved < STUCK_AFTER else SLOW_POLL))


def _without_position(scene: Scene, entries: tuple[OrderRow, ...]) -> Step:
    """Exits of a position that is gone would open the other side."""
    entry_ids = {order.order_id for order in entries}
    orphans = tuple(order for order in scene.live if not order.is_entry and order.parent_order_id not in entry_ids)
    return _leave(scene, orphans, "nothing left to sell") or Rest()


def _close(scene: Scene) -> Step:
    leaving = tuple(order for order in scene.live if order.purpose != "exit")
    if leaving:
        return _leave(scene, leaving, "closing") or Rest(scene.now + POLL)
    if scene.live:
        hanging = tuple(order for order in scene.live if _hangs(scene, order))
        return (_leave(scene, hanging, "its rest does not come") if hanging else None) or _wait(scene, scene.live)
    if not scene.market_open:
        return Rest()
    return _after_refusal(scene) or Close()


def _hangs(scene: Scene, order: OrderRow) -> bool:
    """An exit that the market no longer fills; another one is sent for what is left."""
    patience = STUCK_AFTER if order.filled_quantity else HALTED_AFTER
    return scene.market_open and scene.now - order.updated_at >= patience


def _partial_entry(scene: Scene, entries: tuple[OrderRow, ...]) -> Step:
    """A stop beside an open market entry would be refused as a wash trade: the rest of the entry goes first."""
    assert scene.position is not None
    patience = scene.position.entry_time + PARTIAL_GRACE
    if scene.now < patience:
        return Rest(patience)
    return _leave(scene, entries, "partly filled for too long, its stop waits for the rest") or Rest(scene.now + POLL)


def _protect(scene: Scene) -> Step:
    assert scene.position is not None
    if scene.protected >= scene.quantity or scene.position.stop_price is None or not scene.market_open:
        return Rest()
    if scene.live:
        return _leave(scene, scene.live, "does not protect the position") or Rest(scene.now + POLL)
    if scene.refused is not None and scene.refused.purpose == "protect":
        return GiveUp("unprotected")
    return Protect(scene.quantity)


def _after_refusal(scene: Scene) -> Step | None:
    """A refused exit is tried again, not at once: the broker frees shares with a delay."""
    if scene.refused is None or scene.refused.updated_at + RETRY <= scene.now:
        return None
    return Rest(scene.refused.updated_at + RETRY)
