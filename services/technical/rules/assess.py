"""One symbol's technical evidence from its bars."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from services.technical.rules.columns import daily, intraday, todays
from services.technical.rules.indicators import indicators, session_vwap
from services.technical.rules.levels import levels
from services.technical.rules.score import WEIGHTS, components, score
from shared.domain.evidence import TechnicalEvidence
from shared.domain.market import Bars
from shared.domain.session import Session, trading_day

MIN_DAILY, MIN_INTRADAY = 20, 6


def assess(
    symbol: str, days: Bars | None, minutes: Bars | None, sessions: Sequence[Session], as_of: datetime
) -> TechnicalEvidence:
    """Everything technical about `symbol` as of a moment; later bars are cut off, so they cannot matter.

    Refused when there are fewer than 20 daily and fewer than 6 intraday bars, or too little to score.
    """
    days, minutes = days or _nothing(symbol), minutes or _nothing(symbol)
    day_bars, five_bars = daily(days, as_of), intraday(minutes, sessions, as_of)
    if len(day_bars) < MIN_DAILY and len(five_bars) < MIN_INTRADAY:
        return TechnicalEvidence(symbol=symbol, refused=_too_little(day_bars, five_bars))
    day, five = indicators(day_bars), indicators(five_bars)
    vwap = session_vwap(todays(five_bars, trading_day(as_of), sessions))
    price = float((five_bars if len(five_bars) else day_bars).close[-1])
    found = levels(day_bars, five_bars, price)
    parts = components(day, five, vwap, found, price)
    result = score(parts)
    return TechnicalEvidence(
        symbol=symbol,
        score=result,
        atr=day["atr_14"],
        support=found.support,
        resistance=found.resistance,
        parts=parts,
        indicators={"5Min": five | vwap, "1Day": day},
        rests_on=_rests_on(parts, day_bars, five_bars),
        refused=None if result is not None else f"too little to score: {_rests_on(parts, day_bars, five_bars)}",
    )


def _nothing(symbol: str) -> Bars:
    empty = np.empty(0)
    return Bars(symbol, empty, empty, empty, empty, empty, empty)


def _too_little(days: Bars, minutes: Bars) -> str:
    if not len(days) and not len(minutes):
        return "no bars"
    return (
        f"too little history: {len(days)} daily bars (needs {MIN_DAILY}) and "
        f"{len(minutes)} of 5 minutes (needs {MIN_INTRADAY})"
    )


def _rests_on(parts: dict[str, float | None], days: Bars, minutes: Bars) -> str:
    """What the score is made of, and what it had to do without."""
    present = [name for name in WEIGHTS if parts[name] is not None]
    missing = [name for name in WEIGHTS if parts[name] is None]
    text = f"{', '.join(present) or 'nothing'} from {len(days)} daily and {len(minutes)} 5-minute bars"
    return f"{text}; without {', '.join(missing)}" if missing else text
