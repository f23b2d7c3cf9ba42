"""The last six minutes of a day, with everything in them: a target, a stop, fills by parts, two ways to be closed."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.tape import Tape
from shared.domain.order import ApprovedOrder, client_order_id
from tests.exchange.venues import CLOSE, DAY, OHLCV, OPEN, STEP, tape_of

KEY = "FAULTS"
STRANGERS = ("VTI", "AAPL261218C00200000", "BTCUSD")
"""Held since long before: shares, an option, a coin. None of the system's business."""
CLOSE_BEFORE_SECONDS = 180.0
MOST_IDLE_SECONDS = 2.0
"""A second's grace for the rest of an entry, its cancel, and the way to the market; nothing else without faults."""
HELD_UP_SECONDS = {
    "stuck_cancel": 20.0,
    "late_release": 5.0,
    "halt": 35.0,
    "positions_lag": 10.0,
    "lookup_lag": 10.0,
    "activities_lag": 10.0,
    "orders_lag": 10.0,
    "refused": 45.0,
}
"""For so long the venue itself lets nobody sell or protect."""
CYCLE = "20260615-093000"
NAMESPACE = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
END, BEGIN, BAR = CLOSE, CLOSE - 360, 60
START = BEGIN + 30
PRICE, LIMIT, STOP, TARGET = Decimal(100), Decimal("100.30"), Decimal(98), Decimal(106)
EXPIRES = timedelta(seconds=60)
CALM = VenueSettings(spread_bps=0, partial_fill_fraction=0)
IN_PARTS = VenueSettings(spread_bps=0, partial_fill_fraction=0.5, partial_fill_gap_ms=8_000, seed=3)
"""Half of the orders fill by a part first, and the rest comes later than anybody should wait for."""
PAPER = VenueSettings(spread_bps=0)


@dataclass(frozen=True)
class Act:
    """What a client of trading does, so many seconds after the beginning."""

    after: float
    verb: str
    symbol: str = ""
    quantity: int = 0


NORMAL = (
    Act(40, "buy", "AAA", 10),
    Act(40, "buy", "BBB", 20),
    Act(50, "buy", "CCC", 9),
    Act(90, "close", "CCC"),
    Act(150, "buy", "DDD", 11),
)
HAND = tuple(
    sorted((*NORMAL, Act(60, "by_hand", "EEE", 6), Act(100, "rest_by_hand", "FFF", 4)), key=lambda act: act.after)
)
"""Somebody buys past the system, and leaves an order at a price that does not come."""
EXPIRED = (*NORMAL[:3], Act(60, "decide", "DDD", 11), Act(121, "late", "DDD"))
"""An approval is sent a second after it has expired."""
RACE = (Act(40, "buy", "AAA", 10), Act(40.1, "close", "AAA"), Act(60, "buy", "CCC", 9), Act(60.1, "halt"))
"""Closed a tenth of a second after it was bought: the fill is on its way."""
APP = (*NORMAL[:3], Act(80, "liquidate", "CCC"), Act(85, "short_by_hand", "EEE", 5))
"""In the broker's own app somebody sells what we hold, and what nobody holds."""
DARK = (Act(40, "buy", "CCC", 9), Act(40, "buy", "DDD", 11), Act(85, "outage", quantity=40), Act(90, "close", "CCC"))
"""Positions are not told while one is to be closed."""
HALTED = (*NORMAL[:3], Act(90, "decide", "DDD", 11), Act(91, "halt"), Act(92, "late", "DDD"), Act(93, "buy", "EEE", 5))
DAYS = {
    "normal": NORMAL,
    "halted": HALTED,
    "hand": HAND,
    "expired": EXPIRED,
    "race": RACE,
    "app": APP,
    "dark": DARK,
}


def tape() -> Tape:
    """Six bars of a minute: AAA rises to its target, BBB falls through its stop, the others stay."""
    still: OHLCV = (100.0, 100.0, 100.0, 100.0, 100_000)
    bars = {symbol: dict.fromkeys(range(6), still) for symbol in ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")}
    for symbol, high, low, last in (("AAA", 107.0, 100.0, 107.0), ("BBB", 100.0, 97.0, 97.0)):
        bars[symbol] |= {2: (100.0, high, low, last, 100_000)}
        bars[symbol] |= dict.fromkeys(range(3, 6), (last, last, last, last, 100_000))
    made = tape_of(bars)
    late = replace(made.bars, time=int(BEGIN) + (made.bars.time - int(OPEN)) * BAR // STEP)
    return replace(made, bar_seconds=BAR, bars=late)


def write_config(folder: Path, foreign: str = "protect") -> Path:
    """The house's settings, closing three minutes before the close, and what is done with shares bought by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        text = (Path("config") / name).read_text()
        text = text.replace("close_before_minutes: 10", f"close_before_minutes: {CLOSE_BEFORE_SECONDS / 60:.0f}")
        (folder / name).write_text(text.replace("foreign_positions: protect", f"foreign_positions: {foreign}"))
    return folder


async def decide(pool: Any, number: int, symbol: str, quantity: int, now: datetime) -> ApprovedOrder:
    """A decision as risk stores it, and the order it allows."""
    client_id = client_order_id(f"{DAY:%Y%m%d}", symbol, "entry", number)
    decision = uuid5(NAMESPACE, client_id)
    await pool.execute("SELECT get_or_create_security($1)", symbol)
    await pool.execute(
        "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
        " max_daily_loss, scan_frequency_seconds, config_hash, started_at) VALUES ($1, 'normal', 'supervised',"
        " 'running', $2, 'hand', 5, 2000, 1800, 'x', $3) ON CONFLICT DO NOTHING",
        *(CYCLE, DAY, now),
    )
    await pool.execute(
        "INSERT INTO risk_decisions (decision_id, cycle_id, scan, kind, verdict, symbol, side, client_order_id,"
        " quantity, reference_price, stop_price, take_profit_price, expires_at, reason, risk_score, risk_amount,"
        " checks, decided_at, limit_price) VALUES ($1, $2, $3, 'order', 'approved', $4, 'long', $5, $6, $7, $8, $9,"
        " $10, 'fits', 0.1, 20, '[]', $11, $12)",
        *(decision, CYCLE, number, symbol, client_id, quantity, PRICE, STOP, TARGET, now + EXPIRES, now, LIMIT),
    )
    return ApprovedOrder(
        decision_id=decision,
        cycle_id=CYCLE,
        scan=number,
        client_order_id=client_id,
        symbol=symbol,
        side="long",
        quantity=quantity,
        reference_price=PRICE,
        limit_price=LIMIT,
        stop_price=STOP,
        take_profit_price=TARGET,
        expires_at=now + EXPIRES,
    )


async def halt(pool: asyncpg.Pool, now: datetime) -> None:
    """The latch, as risk sets it."""
    await pool.execute(
        "INSERT INTO halts (reason, latched_at, resume_after) VALUES ('drill', $1, $2)", now, now + timedelta(hours=1)
    )


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
