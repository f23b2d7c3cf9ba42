"""The one next thing to do for a symbol, so that every filled share is protected and what must go, goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

from services.trading.rules.orders import INTENDED, LEAVING, OrderRow, protecting
from services.trading.rules.positions import PositionRow, exit_side
from shared.domain.order import AUCTION_ONLY

POLL = timedelta(seconds=1)
SLOW_POLL = timedelta(seconds=10)
STUCK_AFTER = timedelta(seconds=15)
EXIT_FILLS_WITHIN = timedelta(seconds=5)
"""After that an exit at market that rests is looked up less often: nobody trades the name, and the stream tells."""
HALTED_AFTER = timedelta(minutes=2)
"""An exit that nobody fills at all usually waits for a halt to end, and asking again does not help."""
PATIENT = frozenset({None, "manual", "max_hold"})
"""Reasons to close, and none, that let another hand's sale come first. An emergency and the close of day do not."""
RETRY, LONGEST_RETRY = timedelta(seconds=2), timedelta(minutes=1)
PUT_BACK_FROM = timedelta(seconds=8)
"""An exit that is not tried again for so long leaves its shares bare: their stop is put back meanwhile."""
PARTIAL_GRACE = timedelta(seconds=1)
"""An entry that filled by a part may have the rest at once; its legs wait for that, and its shares are bare."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One symbol now. `orders` are those not settled, and the parents of those that are legs.

    `sent` are the newest exits and protective orders of this position, newest first; `asked` are orders whose
    cancellation was asked for a moment ago (a held leg does not show it). `overnight`: held since an earlier day, and
    today's session is still to open.
    """

    position: PositionRow | None
    orders: tuple[OrderRow, ...]
    sent: tuple[OrderRow, ...]
    now: datetime
    market_open: bool
    entries_over: bool
    asked: frozenset[UUID] = frozenset()
    overnight: bool = False

    @property
    def live(self) -> tuple[OrderRow, ...]:
        return tuple(order for order in self.orders if not order.is_final)

    @property
    def quantity(self) -> int:
        return self.position.quantity if self.position else 0

    @property
    def protected(self) -> int:
        if self.position is None:
            return 0
        family, side = {order.order_id: order for order in self.orders}, exit_side(self.position)
        return min(self.quantity, sum(protecting(order, family) for order in self.live if order.side == side))

    @property
    def ours(self) -> tuple[OrderRow, ...]:
        """Orders at work that this system sent, and the legs of any."""
        return tuple(order for order in self.live if not order.is_others)

    @property
    def sales_by_hand(self) -> tuple[OrderRow, ...]:
        """Exits at market that another hand has placed: he is closing himself."""
        side = exit_side(self.position) if self.position else None
        return tuple(o for o in self.live if o.is_others and o.side == side and o.type == "market")

    @property
    def liquidations(self) -> tuple[OrderRow, ...]:
        """Those of them that are waited for: they can fill now, are not old, and nothing urgent must be closed."""
        if self.position is not None and self.position.exit_reason not in PATIENT:
            return ()
        young = (order for order in self.sales_by_hand if self.now - order.created_at < HALTED_AFTER)
        return tuple(order for order in young if order.time_in_force not in AUCTION_ONLY)

    @property
    def on_sale(self) -> int:
        """Shares that another hand is selling and that are waited for."""
        return min(self.quantity, sum(order.rest for order in self.liquidations))

    @property
    def refused_exits(self) -> tuple[OrderRow, ...]:
        """The newest exits, as long as they were turned down."""
        exits = (order for order in self.sent if order.purpose == "exit")
        return tuple(takewhile(lambda order: order.status == "rejected", exits))

    @property
    def protection_refused(self) -> bool:
        """Whether the broker turned down the newest protective order."""
        newest = next((order for order in self.sent if order.purpose == "protect"), None)
        return newest is not None and newest.status == "rejected"

    @property
    def opening(self) -> tuple[OrderRow, ...]:
        """Orders at work that add to the position: entries, and what another hand buys."""
        side = exit_side(self.position) if self.position else None
        return tuple(order for order in self.live if order.is_entry or (order.is_others and order.side != side))


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
    expired = tuple(order for order in entries if order.decision_expires_at and order.decision_expires_at <= scene.now)
    if expired:
        return _leave(scene, expired, "its approval expired") or Rest(scene.now + POLL)
    if not scene.quantity:
        return _without_position(scene, entries)
    assert scene.position is not None
    if scene.position.exit_reason is not None:
        return _close(scene)
    return _protect(scene)


def _leave(scene: Scene, orders: tuple[OrderRow, ...], reason: str = "") -> Step | None:
    """Cancel what has not been asked to go yet; wait for what has."""
    staying = tuple(order for order in orders if order.status not in LEAVING and order.order_id not in scene.asked)
    if staying:
        return Cancel(staying, reason or staying[0].cancel_reason or "")
    return _wait(scene, orders) if orders else None


def _wait(scene: Scene, orders: Sequence[OrderRow], quick_for: timedelta = STUCK_AFTER) -> Rest:
    """For news of these orders: a look a second, and fewer when they are stuck; requests are rationed."""
    moved = max(order.updated_at for order in orders)
    return Rest(scene.now + (POLL if scene.now - moved < quick_for else SLOW_POLL))


def _without_position(scene: Scene, entries: tuple[OrderRow, ...]) -> Step:
    """Exits of a position that is gone would open the other side. What another hand ordered is its own affair."""
    others = (order for order in scene.orders if order.is_others and (not order.is_final or order.status == "replaced"))
    roots = {order.order_id for order in (*entries, *others)}
    orphans = tuple(order for order in scene.live if not roots & {order.order_id, order.parent_order_id})
    return _leave(scene, orphans, "nothing left to sell") or Rest()


def _close(scene: Scene) -> Step:
    """Protection stays until an exit can be sent: it is cancelled when the market is open and no refusal is waited
    out, and put back where the next exit is not tried for a while.
    """
    exits = tuple(order for order in scene.ours if order.purpose == "exit")
    guards = tuple(order for order in scene.ours if order.purpose != "exit")
    if exits:
        hanging = tuple(order for order in exits if _hangs(scene, order))
        return (_leave(scene, hanging, "its rest does not come") if hanging else None) or _wait(
            scene, exits, EXIT_FILLS_WITHIN
        )
    if not scene.market_open:
        return _before_the_open(scene)
    if (later := _after_refusal(scene)) is not None:
        bare = not guards and scene.protected < scene.quantity and scene.position and scene.position.stop_price
        long = _pause_after(scene.refused_exits) >= PUT_BACK_FROM
        return Protect(scene.quantity) if bare and long and not scene.protection_refused else later
    if guards:
        return _leave(scene, guards, "closing") or Rest(scene.now + POLL)
    if scene.liquidations:
        return _wait(scene, scene.liquidations)
    return Close()


def _before_the_open(scene: Scene) -> Step:
    """Shares held over night get their stop before the market can move them; nothing else can be done now."""
    wanted = scene.quantity - min(scene.quantity, sum(order.rest for order in scene.sales_by_hand))
    bare = scene.position is not None and scene.protected < wanted and scene.position.stop_price is not None
    queued = len(scene.live) > len(scene.sales_by_hand) or scene.protection_refused
    return Protect(wanted) if scene.overnight and bare and not queued else Rest()


def _hangs(scene: Scene, order: OrderRow) -> bool:
    """An exit that the market no longer fills; another one is sent for what is left."""
    patience = STUCK_AFTER if order.filled_quantity else HALTED_AFTER
    return scene.market_open and scene.now - order.updated_at >= patience


def _partial_entry(scene: Scene, entries: tuple[OrderRow, ...]) -> Step:
    """A stop beside an open buy would be refused as a wash trade: the rest of the entry goes first."""
    assert scene.position is not None
    patience = scene.position.entry_time + PARTIAL_GRACE
    if scene.now < patience:
        return Rest(patience)
    return _leave(scene, entries, "partly filled for too long, its stop waits for the rest") or Rest(scene.now + POLL)


def _protect(scene: Scene) -> Step:
    assert scene.position is not None
    entries = tuple(order for order in scene.opening if order.is_entry)
    if entries:
        return _partial_entry(scene, entries)
    if not scene.market_open:
        return _before_the_open(scene)
    if scene.protected >= scene.quantity or scene.position.stop_price is None:
        return Rest()
    if scene.opening:
        return _partial_entry(scene, scene.opening)
    wanted = scene.quantity - scene.on_sale
    if scene.protected >= wanted:
        return _wait(scene, scene.liquidations)
    if scene.ours:
        return _leave(scene, scene.ours, "does not protect the position") or Rest(scene.now + POLL)
    if scene.protection_refused:
        return GiveUp("unprotected")
    return Protect(wanted)


def _after_refusal(scene: Scene) -> Rest | None:
    """A refused exit is tried again, not at once and each time later: the broker frees shares with a delay, and one
    that goes on refusing is not won over by requests, which are rationed.
    """
    refused = scene.refused_exits
    if not refused:
        return None
    again = refused[0].updated_at + _pause_after(refused)
    return Rest(again) if again > scene.now else None


def _pause_after(refused: Sequence[OrderRow]) -> timedelta:
    """How long to wait after so many refusals in a row, at least one."""
    pause: timedelta = RETRY * 2 ** min(len(refused) - 1, 5)
    return min(LONGEST_RETRY, pause)
