"""What must hold after a run, whatever went wrong in it: the exchange's books beside ours."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.exchange.api.faults import standing_of
from services.exchange.rules.fees import pending
from tests.faults import day
from tests.faults.alarms import alarms
from tests.faults.auditor import audit
from tests.faults.breach import Breach
from tests.faults.facts import facts_of
from tests.faults.stage import Stage

SETTLE_SECONDS = 30.0
GIVEN_UP = ("expired", "closing for the day", "emergency", "halted", "manual")


@dataclass
class Verdict:
    """Breaches by kind, with words; and how long shares were bare."""

    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    orphan: list[str] = field(default_factory=list)
    cents: Decimal = Decimal(0)
    other: list[str] = field(default_factory=list)
    audited: list[Breach] = field(default_factory=list)
    met: bool = False
    """Whether what was to go wrong did."""
    to_cover: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def breaches(self) -> list[str]:
        found = [f"doubled: {one}" for one in self.doubled] + [f"lost: {one}" for one in self.lost]
        found += [f"orphan: {one}" for one in self.orphan] + self.other
        found += [f"{breach.kind}: {breach.words}" for breach in self.audited]
        return found + ([f"{self.cents} USD apart"] if self.cents else [])


async def judge(stage: Stage) -> Verdict:
    """Compare everything at the end of the day."""
    verdict = Verdict(to_cover=stage.watcher.time_to_cover(), bare=[spell.seconds for spell in stage.watcher.bare])
    struck = any(standing.hits for standing in standing_of(stage.desk))
    verdict.met = struck or stage.deaths > 0 or stage.plan.jump is not None
    facts = await facts_of(stage)
    rows = list(facts.orders.values())
    verdict.audited = [*audit(facts), *alarms(facts)]
    _nothing_doubled(stage, verdict)
    _nothing_lost(stage, rows, verdict)
    await _booked_once(stage, verdict)
    await _no_orphans(stage, verdict)
    await _flat_and_to_the_cent(stage, verdict)
    _halted(stage, verdict)
    _protected(stage, verdict)
    return verdict


def _nothing_doubled(stage: Stage, verdict: Verdict) -> None:
    bought: Counter[str] = Counter()
    wanted: Counter[str] = Counter(stage.by_hand)
    for fill in stage.book.executions:
        bought[fill.symbol] += int(fill.qty) if fill.side == "buy" else 0
    for order in stage.sent.values():
        wanted[order.symbol] += order.quantity
    verdict.doubled += [f"{s}: {n} bought, {wanted[s]} approved" for s, n in bought.items() if n > wanted[s]]


def _nothing_lost(stage: Stage, rows: list[dict[str, Any]], verdict: Verdict) -> None:
    ours = {row["broker_order_id"]: row for row in rows if row["broker_order_id"]}
    theirs = stage.book.orders
    for key, order in theirs.items():
        row = ours.get(key)
        if row is None:
            verdict.lost.append(f"{order.client_order_id} {order.symbol} {order.role} is not in our books")
        elif (row["status"], row["filled_quantity"]) != (order.status, int(order.filled_qty)):
            verdict.lost.append(
                f"{row['client_order_id']}: we say {row['status']} {row['filled_quantity']},"
                f" the exchange {order.status} {order.filled_qty}"
            )
    verdict.lost += [
        f"{row['client_order_id']} is not at the exchange" for key, row in ours.items() if key not in theirs
    ]
    known = {row["client_order_id"]: row for row in rows}
    for client_id in stage.sent:
        if client_id in stage.book.by_client_id:
            continue
        row, (code, body) = known.get(client_id), stage.answers.get(client_id, (0, {}))
        refused = row is None and code in (409, 422)
        given_up = row is not None and any(word in (row["reason"] or "") for word in GIVEN_UP)
        rejected = row is not None and row["status"] == "rejected"  # the auditor asks who said so
        if not (refused or given_up or rejected):
            verdict.lost.append(f"{client_id}: {code} {body.get('detail') or (row and row['status'])}")


async def _booked_once(stage: Stage, verdict: Verdict) -> None:
    """Each execution once, at its price. Where no list told one for seconds, the order's own quantity and average may
    stand in for it, under the order's name: then shares and money of that order must be the same.
    """
    rows = await stage.pool.fetch(
        "SELECT execution_id, broker_order_id, e.quantity, e.price FROM executions AS e JOIN orders USING (order_id)"
    )
    ours = Counter((row["execution_id"], row["broker_order_id"], row["quantity"], row["price"]) for row in rows)
    theirs = Counter((fill.id, fill.order_id, int(fill.qty), fill.price) for fill in stage.book.executions)
    mine, his = ours - theirs, theirs - ours
    stand_ins = all(booked_as.startswith(f"{order}/") for booked_as, order, _, _ in mine)
    if _by_order(mine) != _by_order(his) or not stand_ins:
        verdict.other.append(f"executions differ: ours {dict(mine)}, the exchange's {dict(his)}")


def _by_order(fills: Counter[tuple[str, str, int, Decimal]]) -> dict[str, tuple[int, Decimal]]:
    """Shares and money of each order, USD to the cent."""
    totals: dict[str, tuple[int, Decimal]] = {}
    for (_, order, quantity, price), times in fills.items():
        shares, money = totals.get(order, (0, Decimal(0)))
        totals[order] = shares + quantity * times, money + quantity * times * price
    return {order: (shares, money.quantize(Decimal("0.01"))) for order, (shares, money) in totals.items()}


async def _no_orphans(stage: Stage, verdict: Verdict) -> None:
    """Nothing rests after the day but the protection of foreign shares, and no more of that than there are."""
    rows = await stage.pool.fetch("SELECT broker_order_id FROM orders WHERE origin = 'foreign' OR parent_order_id IN"
                                  " (SELECT order_id FROM orders WHERE origin = 'foreign')")  # fmt: skip
    foreign = {row["broker_order_id"] for row in rows}
    held = {position.symbol: position.qty for position in stage.book.ledger.positions}
    verdict.orphan += [
        f"{order.symbol} {order.type} {order.status} is left"
        for order in stage.book.live_orders()
        if order.id not in foreign or order.leaves > held.get(order.symbol, 0)
    ]
    bound = _bound(stage)
    verdict.orphan += [
        f"{spell.symbol}: an order to sell nothing for {spell.seconds:.1f} s"
        for spell in stage.watcher.orphans
        if spell.seconds > bound
    ]


async def _flat_and_to_the_cent(stage: Stage, verdict: Verdict) -> None:
    """What is ours is gone; what is foreign stands in the books as at the exchange; the cash tells the same story, but
    for what is still in foreign shares.
    """
    ledger = stage.book.ledger
    held = await stage.pool.fetch("SELECT symbol, side, quantity, origin FROM positions WHERE status = 'open'")
    verdict.other += [
        f"{row['symbol']}: {row['quantity']} open in our books" for row in held if row["origin"] == "system"
    ]
    foreign = {
        row["symbol"]: row["quantity"] * (1 if row["side"] == "long" else -1)
        for row in held
        if row["origin"] == "foreign"
    }
    theirs = {p.symbol: p.qty for p in ledger.positions}
    verdict.other += [
        f"{symbol}: {theirs.get(symbol, 0)} held at the exchange, {foreign.get(symbol, 0)} foreign in our books"
        for symbol in sorted(theirs.keys() | (foreign.keys() & stage.by_hand.keys()))  # a spoilt list shows others, too
        if theirs.get(symbol, 0) != foreign.get(symbol, 0)
    ]
    earned = await stage.pool.fetchval("SELECT coalesce(sum(realized_pnl), 0) FROM positions")
    cash = ledger.cash - ledger.start + sum((p.cost for p in ledger.positions), Decimal(0))
    charged = await stage.pool.fetchval("SELECT coalesce(sum(amount), 0) FROM fee_charges")
    verdict.cents = earned - charged - cash
    await _fees(stage, charged, verdict)


async def _fees(stage: Stage, charged: Decimal, verdict: Verdict) -> None:
    """The exchange's lines once each; what is expected is what it will still charge, where each execution is booked."""
    rows = await stage.pool.fetch("SELECT quantity, fee, fee_accrued FROM executions")
    on_trades, accrued = (sum((row[name] for row in rows), Decimal(0)) for name in ("fee", "fee_accrued"))
    book = stage.book
    if charged != book.ledger.fees or on_trades > charged:
        verdict.other.append(f"fees: {charged} charged, {on_trades} on trades, the exchange took {book.ledger.fees}")
    complete = sum(row["quantity"] for row in rows) == sum(int(fill.qty) for fill in book.executions)
    if complete and accrued != sum(pending(book).values(), Decimal(0)):
        verdict.other.append(f"fees: {accrued} expected, the exchange will charge {pending(book)}")


def _halted(stage: Stage, verdict: Verdict) -> None:
    if stage.halted_at is None:
        return
    late = [
        order for order in stage.book.orders.values() if order.role == "entry" and order.created_at > stage.halted_at
    ]
    verdict.other += [f"{order.symbol}: entered while halted" for order in late]


def _bound(stage: Stage) -> float:
    """Never beyond the next settle; while the process is down nobody can do anything."""
    away = stage.plan.dead_seconds * stage.deaths
    held_up = sum(day.HELD_UP_SECONDS.get(fault["kind"], 0.0) for fault in stage.plan.faults)
    return SETTLE_SECONDS + away + stage.plan.jump_seconds + held_up


def _protected(stage: Stage, verdict: Verdict) -> None:
    bound = _bound(stage)
    left = set(stage.by_hand) if stage.plan.foreign == "leave" else set()
    bare = [spell for spell in stage.watcher.bare if spell.symbol not in left]
    verdict.other += [
        f"{spell.symbol}: {spell.shares} shares bare for {spell.seconds:.1f} s (after {spell.began})"
        for spell in bare
        if spell.seconds > bound
    ]
    after_close = [spell for spell in bare if spell.until > day.END]
    verdict.other += [f"{spell.symbol}: bare after the close" for spell in after_close]
