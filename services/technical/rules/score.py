"""The technical score: how well a chart suits buying now and selling before the close, in [0, 1], 0.5 = neither.

Each signal is a piecewise-linear map from an indicator to [0, 1]; a component is the mean of the signals it has; the
score is the weighted mean of the components it has. The maps say what a trader would: they are opinions, put where they
can be read, and `parts` shows what each contributed. Two timeframes are heard, daily and 5-minute, and one component
is the weaker of them: a chart that rises on one and falls on the other is no chart to buy.
"""

from services.technical.rules.indicators import Values

Points = tuple[tuple[float, float], ...]
Signals = list[float | None]

WEIGHTS = {
    "trend": 0.15,
    "momentum": 0.15,
    "timeframes": 0.10,
    "vwap": 0.10,
    "volume": 0.15,
    "levels": 0.10,
    "volatility": 0.25,
}
"""Volatility weighs most: of all parts it alone went, on recorded days, with what came of an entry with stop and target
(`make technical-outcomes`); the others were no help there, or worse, and are kept as a trader's reasons."""
MIN_WEIGHT = 0.4
"""Below this much of the weights present, what is left is not a technical opinion."""

# Price above an average by so many daily ATRs: above is up, far above is stretched and snaps back.
ABOVE_AVERAGE: Points = ((-2, 0.0), (0, 0.4), (0.5, 0.8), (2, 1.0), (4, 0.6), (7, 0.2))
# The faster average over the slower, in ATRs: its sign is the trend, its size matters little.
FAST_OVER_SLOW: Points = ((-1, 0.0), (0, 0.5), (1, 1.0))
# (+DI - -DI) x ADX/25, capped: direction counts as far as there is a trend (Wilder: ADX 25 is one).
DIRECTION: Points = ((-30, 0.0), (0, 0.5), (30, 1.0))
# Strength is good until it is exhaustion: 55-70 carries on, above 80 buys the top; below 40 sellers are in charge.
RSI: Points = ((20, 0.1), (40, 0.3), (50, 0.5), (60, 0.9), (70, 0.9), (80, 0.4), (90, 0.1))
# The histogram in intraday ATRs: sign is momentum, half an ATR is a lot.
MACD: Points = ((-0.5, 0.0), (0, 0.5), (0.5, 1.0))
# Ten bars' change in intraday ATRs.
RATE: Points = ((-4, 0.0), (0, 0.5), (3, 1.0), (6, 0.7), (10, 0.3))
STOCHASTIC: Points = ((0, 0.2), (20, 0.3), (50, 0.6), (80, 0.9), (95, 0.5), (100, 0.4))
# Sigmas from VWAP: above it buyers of the day are in profit; beyond two it tends to come back.
VWAP: Points = ((-2, 0.0), (-0.5, 0.3), (0, 0.5), (1, 1.0), (2, 0.7), (3, 0.3))
# Money flow, as RSI with volume.
FLOW: Points = ((20, 0.1), (50, 0.5), (65, 0.9), (80, 0.7), (95, 0.2))
# Share of the last ten bars' volume that went up on balance.
BALANCE: Points = ((-0.6, 0.0), (0, 0.5), (0.6, 1.0))
# The last bar's volume against the twenty before: a move that nobody trades is no move.
PACE: Points = ((0.2, 0.2), (1, 0.5), (2.5, 1.0))
# Daily range in percent: under 1 there is nothing to earn; at 2 to 4 a usual stop of 2 lies half a range to a range
# away; beyond that the stop is a coin toss.
DAILY_RANGE: Points = ((0.5, 0.0), (1, 0.5), (2, 1.0), (4, 1.0), (6, 0.6), (9, 0.3), (15, 0.0))
# Place within the 20-bar band: the upper half, not beyond it.
BAND: Points = ((-0.2, 0.1), (0.2, 0.3), (0.5, 0.5), (0.85, 1.0), (1.0, 0.7), (1.3, 0.2))
# Room to the next resistance and to the support that a stop leans on, in daily ATRs.
ROOM: Points = ((0, 0.2), (0.5, 0.5), (1.5, 1.0))
CUSHION: Points = ((0, 0.6), (0.3, 1.0), (1, 0.8), (2.5, 0.2))
OPEN_SKY = 0.9
"""No known level above: nobody waits to get out even, but no history backs it either."""


def mapped(value: float | None, points: Points) -> float | None:
    """`value` through a piecewise-linear map, flat outside its points; None stays None."""
    if value is None:
        return None
    (x0, y0), *others = points
    if value <= x0:
        return y0
    for x1, y1 in others:
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
        x0, y0 = x1, y1
    return y0


def mean(signals: Signals) -> float | None:
    """The mean of the signals that are there, None when none is."""
    present = [signal for signal in signals if signal is not None]
    return sum(present) / len(present) if present else None


def _distance(above: float | None, below: float | None, unit: float | None) -> float | None:
    """(above - below) / unit; None when any is missing or the unit is zero."""
    if above is None or below is None or not unit:
        return None
    return (above - below) / unit


def _daily_trend(day: Values, price: float | None) -> Signals:
    """Daily averages in order below the price, direction."""
    atr = day["atr_14"]
    return [
        mapped(_distance(price, day["ema_20"], atr), ABOVE_AVERAGE),
        mapped(_distance(day["ema_20"], day["ema_50"], atr), FAST_OVER_SLOW),
        mapped(_distance(price, day["ema_200"], atr), FAST_OVER_SLOW),
        mapped(_direction(day), DIRECTION),
    ]


def _intraday_trend(five: Values) -> Signals:
    """The short 5-minute average over the longer, direction."""
    return [
        mapped(_distance(five["ema_9"], five["ema_20"], five["atr_14"]), FAST_OVER_SLOW),
        mapped(_direction(five), DIRECTION),
    ]


def _direction(values: Values) -> float | None:
    plus, minus, adx = values["plus_di_14"], values["minus_di_14"], values["adx_14"]
    if plus is None or minus is None or adx is None:
        return None
    return (plus - minus) * min(adx / 25, 1.5)


def _intraday_momentum(five: Values) -> Signals:
    """RSI, MACD histogram, ten-bar change, Stochastic and place in the band of the 5-minute bars."""
    price, atr, roc = five["close"], five["atr_14"], five["roc_10"]
    moved = _distance(roc * price / 100, 0.0, atr) if roc is not None and price is not None else None
    return [
        mapped(five["rsi_14"], RSI),
        mapped(_distance(five["macd_histogram"], 0.0, atr), MACD),
        mapped(moved, RATE),
        mapped(five["stochastic_k"], STOCHASTIC),
        mapped(five["bollinger_position"], BAND),
    ]


def volume(five: Values) -> float | None:
    """Money flow, balance and pace of the 5-minute bars."""
    return mean([mapped(five["mfi_14"], FLOW), mapped(five["obv_slope"], BALANCE), mapped(five["volume_ratio"], PACE)])


def room(away: Values) -> float | None:
    """Room to the resistance and closeness of the support. None without either, or without a range to measure in."""
    above, below = away["resistance_distance_atr"], away["support_distance_atr"]
    if above is None and below is None:
        return None
    return mean([OPEN_SKY if above is None else mapped(above, ROOM), mapped(below, CUSHION)])


def components(day: Values, five: Values, vwap: Values, away: Values, price: float | None) -> Values:
    """The components of WEIGHTS, None where nothing supports one, and what each timeframe says.

    `daily` and `intraday`: the mean of a timeframe's own signals of trend and momentum, above 0.5 = up; `timeframes`:
    the weaker of the two; `agreement`: 1 = they say the same, 0 = the opposite. Only WEIGHTS has a say in the score.
    """
    daily_trend, strength = _daily_trend(day, price), mapped(day["rsi_14"], RSI)
    short_trend, short_momentum = _intraday_trend(five), _intraday_momentum(five)
    daily, intraday = mean([*daily_trend, strength]), mean([*short_trend, *short_momentum])
    return {
        "trend": mean(daily_trend + short_trend),
        "momentum": mean([*short_momentum, strength]),
        "timeframes": min(daily, intraday) if daily is not None and intraday is not None else None,
        "vwap": mapped(vwap["vwap_position"], VWAP),
        "volume": volume(five),
        "levels": room(away),
        "volatility": mapped(day["atr_pct"], DAILY_RANGE),
        "daily": daily,
        "intraday": intraday,
        "agreement": 1 - abs(daily - intraday) if daily is not None and intraday is not None else None,
    }


def shares(parts: Values) -> dict[str, float]:
    """What each component of WEIGHTS weighs: a missing one's weight goes to the others in their proportions.

    Adds up to 1; empty when too little is left for an opinion.
    """
    weight = sum(WEIGHTS[name] for name in WEIGHTS if parts[name] is not None)
    if weight < MIN_WEIGHT:
        return {}
    return {name: WEIGHTS[name] / weight if parts[name] is not None else 0.0 for name in WEIGHTS}


def score(parts: Values) -> float | None:
    """The weighted mean of the components that are there; None when too little is left."""
    weights = shares(parts)
    if not weights:
        return None
    total = sum(weights[name] * part for name in WEIGHTS if (part := parts[name]) is not None)
    return min(1.0, max(0.0, total))
