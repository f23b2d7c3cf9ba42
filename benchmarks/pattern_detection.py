"""How often a drawn figure is found, and how often one is seen where none was drawn. Run: `make bench-patterns`.

Detection: of 200 drawings a name and noise level, those confirmed from three bars before the path breaks out to six
after. Noise is the standard deviation of each close from the path, in heights of the figure. Near misses: of 200
drawings that lack what makes the figure, those called by its name all the same. False alarms: confirmations in random
walks with a real session's volatility, gaps and volume; a walk does draw a figure now and then, so none is not asked.
The seeds are none of those on which the rules' tolerances were chosen.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.pattern_trades import wilson
from services.pattern.rules.figures import breakouts
from services.pattern.rules.frame import Frame
from tests.pattern.drawing import FIGURES, Drawing, Figure, draw
from tests.pattern.sessions import DAYS, draw_day
from tests.pattern.walks import walk

NOISES = {"low": 0.02, "medium": 0.05, "high": 0.1}
SEEDS, WALKS, SESSIONS = range(10_000, 10_200), range(10_000, 10_400), 10
EARLY, LATE = 3, 6
LEAST_DETECTED, MOST_ALARMS = 0.9, 0.05
Draw = Callable[[int, float, bool], Drawing]


def figures() -> Iterator[tuple[str, Draw]]:
    """Each name with how it is drawn: (seed, noise, spoilt)."""
    for side in (0, 1):
        for figure in FIGURES:
            yield figure.names[side], partial(_figure, figure, side == 1)
        for names in DAYS:
            yield names[side], partial(_day, names, side == 1)


def _figure(figure: Figure, short: bool, seed: int, noise: float, spoilt: bool) -> Drawing:
    return draw(figure, seed, noise, short, spoilt)


def _day(names: tuple[str, str], short: bool, seed: int, noise: float, spoilt: bool) -> Drawing:
    return draw_day(names, seed, noise, short, spoilt)


def found(drawn: Drawing) -> bool:
    """Whether the drawing's figure was confirmed about where its path breaks out."""
    return any(
        seen.name == drawn.name and drawn.breakout - EARLY <= seen.at <= drawn.breakout + LATE
        for seen in breakouts(Frame(drawn.bars, "5Min"))
    )


def alarms() -> tuple[Counter[str], int]:
    """Confirmations by name in random walks, and how many bars those had."""
    counts, bars = Counter[str](), 0
    for seed in WALKS:
        frame = Frame(walk(seed, SESSIONS), "5Min")
        bars += len(frame)
        counts.update(seen.name for seen in breakouts(frame))
    return counts, bars


def main() -> int:
    out = sys.stdout.write
    counts, bars = alarms()
    levels = ", ".join(f"{name} {noise:.0%}" for name, noise in NOISES.items())
    out(f"detection at noise of {levels} of the figure's height, {len(SEEDS)} drawings each; ")
    out(f"{bars:,} bars of random walk\n")
    head = "".join(f"{name:>8}" for name in NOISES)
    out(f"{'':<28}{head}   near misses at low noise   false alarms per 100 bars (95 %)\n")
    worst, most = 1.0, 0.0
    for name, drawn in figures():
        rates = [sum(found(drawn(seed, noise, False)) for seed in SEEDS) / len(SEEDS) for noise in NOISES.values()]
        misses = sum(found(drawn(seed, NOISES["low"], True)) for seed in SEEDS) / len(SEEDS)
        low, high = wilson(counts[name], bars)
        rate = 100 * counts[name] / bars
        shown = "".join(f"{one:>8.3f}" for one in rates)
        out(f"{name:<28}{shown}{misses:>26.3f}{rate:>14.4f} ({100 * low:.4f}-{100 * high:.4f})\n")
        worst, most = min(worst, rates[0]), max(most, rate)
    everything = 100 * sum(counts.values()) / bars
    out(f"{'all together':<28}{'':>24}{'':>26}{everything:>14.4f}\n")
    good = worst >= LEAST_DETECTED and most <= MOST_ALARMS
    out(f"worst detection at low noise {worst:.3f} (at least {LEAST_DETECTED}), most false alarms of one pattern "
        f"{most:.4f} per 100 bars (at most {MOST_ALARMS}): {'met' if good else 'NOT met'}\n")  # fmt: skip
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
