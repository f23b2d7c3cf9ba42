"""Technical evidence of a crowd of symbols from their bars."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from services.technical.rules.columns import (
    Hours,
    Since,
    daily,
    hours,
    hours_of,
    intraday,
    midnight_of,
    todays,
)  # fmt: skip
from services.technical.rules.indicators import Values, indicators, vwaps
from services.technical.rules.levels import Levels, distances, levels
from services.technical.rules.score import WEIGHTS, components, score, shares
from shared.domain.evidence import TechnicalEvidence
from shared.domain.market import Bars
from shared.domain.session import Session, trading_day

MIN_DAILY, MIN_INTRADAY = 20, 6
DIGITS = 6
"""Decimals that are shown and stored: of a price, a percentage or a share no more means anything."""
NO_BARS = "no bars"


class Chart(NamedTuple):
    """One symbol's usable bars in both timeframes."""

    symbol: str
    day: Since
    five: Since

    @property
    def price(self) -> float:
        """The last known close."""
        return float((self.five.bars if len(self.five.bars) else self.day.bars).close[-1])

    @property
    def is_enough(self) -> bool:
        """False below the floor: neither timeframe has the bars for an opinion."""
        return len(self.day.bars) >= MIN_DAILY or len(self.five.bars) >= MIN_INTRADAY


def assess(
    symbols: Sequence[str],
    days: Mapping[str, Bars],
    minutes: Mapping[str, Bars],
    sessions: Sequence[Session],
    as_of: datetime,
) -> dict[str, TechnicalEvidence]:
    """Everything technical about each symbol as of a moment; later bars are cut off, so they cannot matter.

    A symbol's evidence does not depend on the others'. Refused when there are fewer than 20 daily and fewer than 6
    intraday bars, or too little to score.
    """
    regular, today = hours(sessions), hours_of(trading_day(as_of), sessions)
    charts = [_chart(symbol, days, minutes, regular, as_of.timestamp(), midnight_of(as_of)) for symbol in symbols]
    judged = [chart for chart in charts if chart.is_enough]
    days_of, minutes_of = [one.day.bars for one in judged], [one.five.bars for one in judged]
    vwap = vwaps([todays(bars, today) for bars in minutes_of])
    around = levels(days_of, minutes_of, [one.price for one in judged])
    found = map(_evidence, judged, indicators(days_of), indicators(minutes_of), vwap, around)
    refused = (TechnicalEvidence(symbol=one.symbol, refused=_too_little(one)) for one in charts if not one.is_enough)
    return {one.symbol: one for one in (*found, *refused)}


def _chart(
    symbol: str, days: Mapping[str, Bars], minutes: Mapping[str, Bars], regular: Hours, at: float, midnight: float
) -> Chart:
    day, five = days.get(symbol) or _nothing(symbol), minutes.get(symbol) or _nothing(symbol)
    return Chart(symbol, daily(day, midnight), intraday(five, regular, at))


def _nothing(symbol: str) -> Bars:
    empty = np.empty(0)
    return Bars(symbol, empty, empty, empty, empty, empty, empty)


def _evidence(chart: Chart, day: Values, five: Values, vwap: Values, found: Levels) -> TechnicalEvidence:
    away = distances(found, chart.price, day["atr_14"])
    parts = components(day, five, vwap, away, chart.price)
    result, rests_on = score(parts), _rests_on(parts, chart)
    return TechnicalEvidence(
        symbol=chart.symbol,
        score=_short(result),
        atr=_short(day["atr_14"]),
        support=_short(found.support),
        resistance=_short(found.resistance),
        parts=_shown(parts),
        weights={name: round(weight, DIGITS) for name, weight in shares(parts).items()},
        indicators={"5Min": _shown(five | vwap), "1Day": _shown(day | away)},
        rests_on=rests_on,
        refused=None if result is not None else f"too little to score: {rests_on}",
    )


def _shown(values: Values) -> Values:
    return {name: _short(value) for name, value in values.items()}


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _too_little(chart: Chart) -> str:
    days, minutes = len(chart.day.bars), len(chart.five.bars)
    left_out = _left_out(chart)
    if not days and not minutes and not left_out:
        return NO_BARS
    found = (
        f"too little history: {_counted(days, 'daily bar')} (needs {MIN_DAILY})"
        f" and {minutes} of 5 minutes (needs {MIN_INTRADAY})"
    )
    return "; ".join([found, *left_out])


def _rests_on(parts: Values, chart: Chart) -> str:
    """What the score is made of, what it had to do without, and whether the two timeframes agree."""
    present = [name for name in WEIGHTS if parts[name] is not None]
    missing = [name for name in WEIGHTS if parts[name] is None]
    bars = f"{len(chart.day.bars)} daily and {_counted(len(chart.five.bars), '5-minute bar')}"
    said = [f"{', '.join(present) or 'nothing'} from {bars}"]
    said += [f"without {', '.join(missing)}"] if missing else []
    return "; ".join([*said, *_agreement(parts), *_still(chart), *_left_out(chart)])


def _agreement(parts: Values) -> list[str]:
    day, five = parts["daily"], parts["intraday"]
    if day is None or five is None:
        return []
    ways = ["up" if lean > 0.5 else "down" for lean in (day, five)]
    word = "agree" if ways[0] == ways[1] else "disagree"
    return [f"timeframes {word}: daily {ways[0]} ({day:.2f}), 5-minute {ways[1]} ({five:.2f})"]


def _still(chart: Chart) -> list[str]:
    """Charts on which the price never moved: most indicators have no meaning there."""
    named = (("daily", chart.day.bars), ("5-minute", chart.five.bars))
    return [
        f"one price in {_counted(len(bars), f'{name} bar')}"
        for name, bars in named
        if len(bars) and bars.high.max() == bars.low.min()
    ]


def _left_out(chart: Chart) -> list[str]:
    """Bars that were broken, and those before a jump that looks like a split."""
    named = (("daily", chart.day), ("5-minute", chart.five))
    broken = [f"{_counted(part.broken, f'broken {name} bar')} left out" for name, part in named if part.broken]
    jumps = [
        f"{name} bars before a jump to {part.jump:.2f} times the price left out" for name, part in named if part.jump
    ]
    return broken + jumps


def _counted(number: int, what: str) -> str:
    """One bar, two bars."""
    return f"{number} {what}{'' if number == 1 else 's'}"
