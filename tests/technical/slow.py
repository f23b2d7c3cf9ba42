"""The indicators again, slowly, bar by bar, from their authors' definitions: what TA-Lib is held against."""

import math
from collections.abc import Sequence
from itertools import pairwise

Line = Sequence[float]


def sma(values: Line, count: int) -> float:
    return sum(values[-count:]) / count


def ema_line(values: Line, count: int) -> list[float]:
    """Seeded with the simple mean of the first `count`; then e += 2 / (count + 1) x (value - e)."""
    average = sum(values[:count]) / count
    line = [average]
    for value in values[count:]:
        average += 2 / (count + 1) * (value - average)
        line.append(average)
    return line


def wilder(values: Line, count: int) -> float:
    """Wilder's smoothing: the mean of the first `count`, then (previous x (count - 1) + value) / count."""
    average = sum(values[:count]) / count
    for value in values[count:]:
        average = (average * (count - 1) + value) / count
    return average


def rsi(close: Line, count: int = 14) -> float:
    """Wilder, New Concepts in Technical Trading Systems (1978), p. 65."""
    changes = [after - before for before, after in pairwise(close)]
    up = wilder([max(change, 0.0) for change in changes], count)
    down = wilder([max(-change, 0.0) for change in changes], count)
    return 100 * up / (up + down)


def true_ranges(high: Line, low: Line, close: Line) -> list[float]:
    return [
        max(high[n] - low[n], abs(high[n] - close[n - 1]), abs(low[n] - close[n - 1])) for n in range(1, len(close))
    ]


def atr(high: Line, low: Line, close: Line, count: int = 14) -> float:
    return wilder(true_ranges(high, low, close), count)


def directional(high: Line, low: Line, close: Line, count: int = 14) -> tuple[float, float, float]:
    """(+DI, -DI, ADX): Wilder's sums, which start with count - 1 movements and add the next one smoothed."""
    ranges, plus, minus = true_ranges(high, low, close), list[float](), list[float]()
    for n in range(1, len(close)):
        up, down = high[n] - high[n - 1], low[n - 1] - low[n]
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
    sums = [sum(line[: count - 1]) for line in (ranges, plus, minus)]
    strengths, plus_di, minus_di = [], 0.0, 0.0
    for n in range(count - 1, len(ranges)):
        sums = [s - s / count + line[n] for s, line in zip(sums, (ranges, plus, minus), strict=True)]
        plus_di, minus_di = 100 * sums[1] / sums[0], 100 * sums[2] / sums[0]
        strengths.append(100 * abs(plus_di - minus_di) / (plus_di + minus_di))
    return plus_di, minus_di, wilder(strengths, count)


def macd(close: Line) -> tuple[float, float, float]:
    """Appel: EMA 12 - EMA 26 (both starting where the slow one can), its EMA 9, the difference."""
    slow = ema_line(close, 26)
    fast_values = close[26 - 12 :]
    fast = ema_line(fast_values, 12)
    line = [f - s for f, s in zip(fast[-len(slow) :], slow, strict=True)]
    signal = ema_line(line, 9)[-1]
    return line[-1], signal, line[-1] - signal


def bollinger(close: Line, count: int = 20) -> tuple[float, float, float]:
    middle = sma(close, count)
    sigma = math.sqrt(sum((value - middle) ** 2 for value in close[-count:]) / count)
    return middle + 2 * sigma, middle, middle - 2 * sigma


def stochastic(high: Line, low: Line, close: Line) -> tuple[float, float]:
    """Lane's slow %K (14 bars, smoothed by 3) and %D (3)."""
    fast = []
    for n in range(13, len(close)):
        top, bottom = max(high[n - 13 : n + 1]), min(low[n - 13 : n + 1])
        fast.append(100 * (close[n] - bottom) / (top - bottom))
    slow = [sum(fast[n - 2 : n + 1]) / 3 for n in range(2, len(fast))]
    return slow[-1], sum(slow[-3:]) / 3


def mfi(high: Line, low: Line, close: Line, volume: Line, count: int = 14) -> float:
    typical = [(h + low_ + c) / 3 for h, low_, c in zip(high, low, close, strict=True)]
    up = down = 0.0
    for n in range(len(close) - count, len(close)):
        flow = typical[n] * volume[n]
        if typical[n] > typical[n - 1]:
            up += flow
        elif typical[n] < typical[n - 1]:
            down += flow
    return 100 * up / (up + down)


def obv(close: Line, volume: Line) -> float:
    """Starts with the first bar's volume, as TA-Lib does; only its changes carry meaning."""
    total = volume[0]
    for n in range(1, len(close)):
        total += volume[n] * ((close[n] > close[n - 1]) - (close[n] < close[n - 1]))
    return total
