"""The indicators again, slowly, bar by bar in plain Python, from their authors' definitions: what ours are held to.

Sources: Wilder, New Concepts in Technical Trading Systems (1978) for RSI, ATR, ADX; Appel, The Moving Average
Convergence-Divergence Trading Method (1979); Bollinger, Bollinger on Bollinger Bands (2001); Lane, Lane's Stochastics
(Technical Analysis of Stocks & Commodities 2, 1984); Granville, New Key to Stock Market Profits (1963) for OBV; Quong
and Soudack, Volume-Weighted RSI: Money Flow (same magazine 7, 1989); Murphy, Technical Analysis of the Financial
Markets (1999) for the averages and the rate of change. None: too little history, or no meaning.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

Line = Sequence[float]
Known = float | None
FLAT = 1e-9


def sma(values: Line, count: int) -> Known:
    """Murphy, ch. 9: the mean of the last `count`."""
    return sum(values[-count:]) / count if len(values) >= count else None


def ema_line(values: Line, count: int) -> list[float]:
    """Murphy, ch. 9: seeded with the simple mean of the first `count`; then e += 2 / (count + 1) x (value - e)."""
    if len(values) < count:
        return []
    average = sum(values[:count]) / count
    line = [average]
    for value in values[count:]:
        average += 2 / (count + 1) * (value - average)
        line.append(average)
    return line


def last(line: Line) -> Known:
    return line[-1] if line else None


def wilder_line(values: Line, count: int) -> list[float]:
    """Wilder's smoothing: the mean of the first `count`, then (previous x (count - 1) + value) / count."""
    if len(values) < count:
        return []
    average = sum(values[:count]) / count
    line = [average]
    for value in values[count:]:
        average = (average * (count - 1) + value) / count
        line.append(average)
    return line


def rsi_line(close: Line, count: int = 14) -> list[Known]:
    """Wilder 1978, section VI: 100 x up / (up + down); none where nothing has moved."""
    changes = [after - before for before, after in pairwise(close)]
    ups = wilder_line([max(change, 0.0) for change in changes], count)
    downs = wilder_line([max(-change, 0.0) for change in changes], count)
    return [100 * up / (up + down) if up + down else None for up, down in zip(ups, downs, strict=True)]


def true_ranges(high: Line, low: Line, close: Line) -> list[float]:
    """Wilder 1978, section III, from the second bar on."""
    return [
        max(high[n] - low[n], abs(high[n] - close[n - 1]), abs(low[n] - close[n - 1])) for n in range(1, len(close))
    ]


def atr(high: Line, low: Line, close: Line, count: int = 14) -> Known:
    return last(wilder_line(true_ranges(high, low, close), count))


def movements(high: Line, low: Line) -> tuple[list[float], list[float]]:
    """Wilder 1978, section IV: the larger of the two excursions beyond the bar before, where it is one."""
    plus, minus = list[float](), list[float]()
    for n in range(1, len(high)):
        up, down = high[n] - high[n - 1], low[n - 1] - low[n]
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
    return plus, minus


def directional(
    high: Line, low: Line, close: Line, count: int = 14, seeds: int = 13
) -> list[tuple[float, float, float]]:
    """(+DI, -DI, DX) of each bar: Wilder 1978, section IV, by sums smoothed as s - s / count + value.

    `seeds` movements make the first sum. TA-Lib takes one fewer than `count` and shows the sum after the next one;
    published tables take `count`. The difference fades by 1/14 with each bar.
    """
    lines = (true_ranges(high, low, close), *movements(high, low))
    sums, found = [sum(line[:seeds]) for line in lines], []
    for n in range(seeds - (seeds == count), len(lines[0])):
        if n >= seeds:
            sums = [s - s / count + line[n] for s, line in zip(sums, lines, strict=True)]
        plus, minus = (100 * s / sums[0] if sums[0] else 0.0 for s in sums[1:])
        found.append((plus, minus, 100 * abs(plus - minus) / (plus + minus) if plus + minus else 0.0))
    return found


def macd(close: Line) -> tuple[Known, Known, Known]:
    """Appel: EMA 12 - EMA 26 (both starting where the slow one can), its EMA 9, the difference; all three or none."""
    slow = ema_line(close, 26)
    fast = ema_line(close[26 - 12 :], 12)
    line = [f - s for f, s in zip(fast[-len(slow) :], slow, strict=True)] if slow else []
    if not (signal := ema_line(line, 9)):
        return None, None, None
    return line[-1], signal[-1], line[-1] - signal[-1]


def bollinger(close: Line, count: int = 20) -> tuple[Known, Known, Known, Known]:
    """Bollinger 2001: upper, middle, lower at two standard deviations of the population, and %b."""
    if (middle := sma(close, count)) is None:
        return None, None, None, None
    sigma = math.sqrt(sum((value - middle) ** 2 for value in close[-count:]) / count)
    if sigma <= FLAT * middle:
        return middle, middle, middle, None
    upper, lower = middle + 2 * sigma, middle - 2 * sigma
    return upper, middle, lower, (close[-1] - lower) / (upper - lower)


def stochastic(high: Line, low: Line, close: Line) -> tuple[Known, Known]:
    """Lane's slow %K (14 bars, smoothed by 3) and %D (3); none where a window that they rest on has no range."""
    if len(close) < 18:
        return None, None
    fast = []
    for n in range(len(close) - 5, len(close)):
        top, bottom = max(high[n - 13 : n + 1]), min(low[n - 13 : n + 1])
        if top <= bottom:
            return None, None
        fast.append(100 * (close[n] - bottom) / (top - bottom))
    slow = [sum(fast[n : n + 3]) / 3 for n in range(3)]
    return slow[-1], sum(slow) / 3


def mfi(high: Line, low: Line, close: Line, volume: Line, count: int = 14) -> Known:
    """Quong and Soudack: the share of the money that changed hands at a rising typical price; none without any."""
    if len(close) <= count:
        return None
    typical = [(h + low_ + c) / 3 for h, low_, c in zip(high, low, close, strict=True)]
    up = down = 0.0
    for n in range(len(close) - count, len(close)):
        flow = typical[n] * volume[n]
        if typical[n] > typical[n - 1]:
            up += flow
        elif typical[n] < typical[n - 1]:
            down += flow
    return 100 * up / (up + down) if up + down else None


def obv(close: Line, volume: Line) -> float:
    """Granville; starts with the first bar's volume, as TA-Lib does: only its changes carry meaning."""
    total = volume[0]
    for n in range(1, len(close)):
        total += volume[n] * ((close[n] > close[n - 1]) - (close[n] < close[n - 1]))
    return total


def roc(close: Line, count: int = 10) -> Known:
    """Murphy, ch. 10: the change over `count` bars in percent."""
    return 100 * (close[-1] - close[-1 - count]) / close[-1 - count] if len(close) > count else None


def balance(close: Line, volume: Line, count: int = 10) -> Known:
    """The change of OBV over `count` bars as a share of what was traded in them."""
    if len(close) <= count or not (traded := sum(volume[-count:])):
        return None
    return (obv(close, volume) - obv(close[:-count], volume[:-count])) / traded


def pace(volume: Line, count: int = 20) -> Known:
    """The last bar's volume over the mean of the `count` before it."""
    usual = sum(volume[-1 - count : -1]) / count
    return volume[-1] / usual if len(volume) > count and usual else None


def vwap(high: Line, low: Line, close: Line, volume: Line) -> dict[str, Known]:
    """Berkowitz, Logue and Noser (Journal of Finance 43, 1988), bar by bar, with deviations weighted by volume."""
    names = ("vwap", "vwap_upper_1", "vwap_lower_1", "vwap_upper_2", "vwap_lower_2", "vwap_position")
    if not (traded := sum(volume)):
        return dict.fromkeys(names)
    typical = [(h + low_ + c) / 3 for h, low_, c in zip(high, low, close, strict=True)]
    mean = sum(t * v for t, v in zip(typical, volume, strict=True)) / traded
    sigma = math.sqrt(sum(v * (t - mean) ** 2 for t, v in zip(typical, volume, strict=True)) / traded)
    position = (close[-1] - mean) / sigma if sigma > FLAT * mean else None
    bands = (mean + sigma, mean - sigma, mean + 2 * sigma, mean - 2 * sigma)
    return dict(zip(names, (mean, *bands, position), strict=True))


def everything(high: Line, low: Line, close: Line, volume: Line) -> dict[str, Known]:
    """All of them by the names that the service uses, for bars without gaps."""
    moves, range_, macds = directional(high, low, close), atr(high, low, close), macd(close)
    plus, minus, _ = moves[-1] if moves and range_ else (None, None, None)
    strengths = wilder_line([dx for *_, dx in moves], 14) if range_ else []
    stochastics, bands, rsis = stochastic(high, low, close), bollinger(close), rsi_line(close)
    found: dict[str, Known] = {f"ema_{count}": last(ema_line(close, count)) for count in (9, 20, 50, 200)}
    found |= {f"sma_{count}": sma(close, count) for count in (20, 50)}
    found |= dict(zip(("macd", "macd_signal", "macd_histogram"), macds, strict=True))
    names = ("bollinger_upper", "bollinger_middle", "bollinger_lower", "bollinger_position")
    found |= dict(zip(names, bands, strict=True))
    found |= dict(zip(("stochastic_k", "stochastic_d"), stochastics, strict=True))
    return found | {
        "close": close[-1],
        "rsi_14": rsis[-1] if rsis else None,
        "atr_14": range_,
        "atr_pct": 100 * range_ / close[-1] if range_ else None,
        "adx_14": last(strengths),
        "plus_di_14": plus,
        "minus_di_14": minus,
        "obv": obv(close, volume) if len(close) > 1 else None,
        "obv_slope": balance(close, volume),
        "mfi_14": mfi(high, low, close, volume),
        "roc_10": roc(close),
        "volume_ratio": pace(volume),
    }
