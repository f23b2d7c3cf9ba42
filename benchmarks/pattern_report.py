"""How the outcomes of patterns are printed: a table a timeframe, and the rows that the service's own table holds."""

import sys
from collections.abc import Callable, Iterable

from benchmarks.pattern_trades import Key, Pair, Table, wilson

HEAD = (
    f"{'':<31}{'n':>7}{'target':>8}{'stop':>7}{'hit rate (95 %)':>22}{'random':>8}{'edge':>8}"
    f"{'return %':>10}{'±':>7}{'random':>8}{'forward':>9}{'random':>8} | "
    f"{'n':>6}{'hit rate (95 %)':>22}{'random':>8}{'edge':>8}{'return %':>10}\n"
)
CANDLES_SHOWN = 500


def print_tables(fitted: Table, held: Table, symbols: int, seconds: float) -> None:
    """Fitted on the left, held out on the right."""
    out = sys.stdout.write
    out(f"{symbols} symbols, {seconds:.0f} s; hit rate: target before stop, of those that met either; no costs\n")
    for timeframe in ("5Min", "1Day"):
        out(f"\n{timeframe}: fitted | held out\n{HEAD}")
        figures = _names(fitted, held, timeframe, candles=False)
        for name in figures:
            _line(fitted, held, name, _named(timeframe, name))
        for label, wanted in _sums(timeframe):
            _line(fitted, held, label, wanted)
        _kept_word(fitted, held, timeframe)
        for name in _names(fitted, held, timeframe, candles=True):
            if fitted.total(_named(timeframe, name)).own.decided >= CANDLES_SHOWN:
                _line(fitted, held, name, _named(timeframe, name))


def _kept_word(fitted: Table, held: Table, timeframe: str) -> None:
    """Did what looked better than random while fitting look better afterwards?"""
    names = _names(fitted, held, timeframe, candles=False)
    better = {name for name in names if _lead(fitted.total(_named(timeframe, name))) > 0}
    for label, chosen in (("better", better), ("worse", set(names) - better)):
        pair = held.total(_one_of(timeframe, chosen))
        sys.stdout.write(f"{len(chosen)} that fitted {label} than random, held out:{_edge(pair)}\n")


def _lead(pair: Pair) -> float:
    return pair.own.hit_rate - pair.random.hit_rate if pair.own.decided and pair.random.decided else 0.0


def print_rows(fitted: Table, resolved: dict[str, tuple[int, int]]) -> None:
    """The rows of services/pattern/rules/worth.py."""
    out = sys.stdout.write
    for timeframe in ("5Min", "1Day"):
        for name in _names(fitted, fitted, timeframe, candles=False):
            pair = fitted.total(_named(timeframe, name))
            counts = (pair.own.decided, pair.own.target, pair.random.decided, pair.random.target)
            out(f'    ("{timeframe}", "{name}"): Worth({", ".join(map(str, counts))}),\n')
        candles = fitted.total(_candles(timeframe))
        counts = (candles.own.decided, candles.own.target, candles.random.decided, candles.random.target)
        out(f'    ("{timeframe}", "candle"): Worth({", ".join(map(str, counts))}),\n')
    for timeframe, (count, confirmed) in resolved.items():
        out(f'    "{timeframe}": {confirmed} / {count},\n')


def _one_of(timeframe: str, names: set[str]) -> Callable[[Key], bool]:
    return lambda key: key.timeframe == timeframe and key.name in names


def _named(timeframe: str, name: str) -> Callable[[Key], bool]:
    return lambda key: key.timeframe == timeframe and key.name == name


def _candles(timeframe: str) -> Callable[[Key], bool]:
    return lambda key: key.timeframe == timeframe and key.name.startswith("candle")


def _names(fitted: Table, held: Table, timeframe: str, candles: bool) -> list[str]:
    keys: Iterable[Key] = {**fitted, **held}
    return sorted({key.name for key in keys if key.timeframe == timeframe and key.name.startswith("candle") == candles})


def _sums(timeframe: str) -> list[tuple[str, Callable[[Key], bool]]]:
    def figure(key: Key) -> bool:
        return key.timeframe == timeframe and not key.name.startswith("candle")

    return [
        ("all chart patterns", figure),
        (" with volume", lambda key: figure(key) and key.volume),
        (" without volume", lambda key: figure(key) and not key.volume),
        (" fit of a half or better", lambda key: figure(key) and key.fits),
        (" fit below a half", lambda key: figure(key) and not key.fits),
        ("all candlesticks", _candles(timeframe)),
    ]


def _line(fitted: Table, held: Table, label: str, wanted: Callable[[Key], bool]) -> None:
    left, right = fitted.total(wanted), held.total(wanted)
    own = left.own
    sys.stdout.write(
        f"{label:<31}{own.count:>7}{_share(own.target, own.count):>8}{_share(own.stop, own.count):>7}{_edge(left)}"
        f"{100 * own.mean:>10.3f}{196 * own.error:>7.3f}{100 * left.random.mean:>8.3f}"
        f"{100 * own.mean_forward:>9.3f}{100 * left.random.mean_forward:>8.3f} | "
        f"{right.own.count:>6}{_edge(right)}{100 * right.own.mean:>10.3f}\n"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def _edge(pair: Pair) -> str:
    low, high = wilson(pair.own.target, pair.own.decided)
    rate = f"{pair.own.hit_rate:.3f} ({low:.3f}-{high:.3f})"
    return f"{rate:>22}{pair.random.hit_rate:>8.3f}{pair.own.hit_rate - pair.random.hit_rate:>+8.3f}"
