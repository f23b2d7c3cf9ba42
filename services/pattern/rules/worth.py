"""What each pattern was worth on recorded days, and the confidence that follows.

`WORTH` counts entries at the next bar's open after a confirmation, for the pattern and for random entries in the same
names at the same time of day with stop and target as far away: how many met one of the two, and how many of those the
target first. 5-minute bars: 19 sessions from 2026-05-18 on; daily bars: the year before that day. `make
pattern-outcomes FLAGS=--rows` reads the recorded days and prints these rows; without the flag it prints the whole
comparison with its intervals and the three sessions held out.

Confidence is the chance of the target before the stop **were both equally far**: a half is what a coin would do. It is
the odds ratio of the pattern's hit rate to the random one's, turned back into a chance. The hit rate is first drawn
towards the random one by `PRIOR` entries that hit as often as random ones do, so that few samples say little; fewer
than thirty say nothing, and nothing goes beyond `BOUNDS`. The prior is large because entries of one day share its
market: 19 sessions are far fewer independent samples than the counts say, and what looked better than random by them
had a lead of 0.9 points left on the sessions held out.
"""

from typing import Literal, NamedTuple

Status = Literal["forming", "confirmed", "failed"]
PRIOR, BOUNDS, COIN, FEWEST = 1000, (0.3, 0.7), 0.5, 30


class Worth(NamedTuple):
    """Entries that met stop or target and those of them that met the target, of the pattern and of random entries."""

    decided: int
    hits: int
    random_decided: int
    random_hits: int

    @property
    def even_chance(self) -> float:
        """The chance of the target before the stop, were both equally far; a coin's where nearly nothing is known."""
        if self.decided < FEWEST:
            return COIN
        chance = (self.random_hits + 1) / (self.random_decided + 2)
        rate = (self.hits + PRIOR * chance) / (self.decided + PRIOR)
        ratio = rate / (1 - rate) / (chance / (1 - chance))
        low, high = BOUNDS
        return min(high, max(low, ratio / (1 + ratio)))


CONFIRMED_SHARE = {"5Min": 16185 / 43178, "1Day": 1192 / 2507}
"""Of the figures seen, how many were confirmed: what one that is forming may expect."""

WORTH: dict[tuple[str, str], Worth] = {
    ("5Min", "abcd"): Worth(1099, 612, 5224, 3028),
    ("5Min", "ascending_triangle"): Worth(250, 92, 1189, 441),
    ("5Min", "bear_abcd"): Worth(814, 473, 3766, 2248),
    ("5Min", "bear_flag"): Worth(627, 87, 2921, 325),
    ("5Min", "bear_pennant"): Worth(392, 63, 1860, 259),
    ("5Min", "bear_symmetrical_triangle"): Worth(261, 53, 1370, 277),
    ("5Min", "bull_flag"): Worth(823, 91, 3976, 397),
    ("5Min", "cup_and_handle"): Worth(202, 42, 1040, 237),
    ("5Min", "descending_triangle"): Worth(174, 58, 878, 268),
    ("5Min", "double_bottom"): Worth(118, 78, 590, 404),
    ("5Min", "double_top"): Worth(106, 76, 457, 282),
    ("5Min", "gap_and_go"): Worth(103, 63, 488, 282),
    ("5Min", "gap_down_and_go"): Worth(76, 45, 308, 166),
    ("5Min", "head_and_shoulders"): Worth(174, 70, 901, 305),
    ("5Min", "inverse_head_and_shoulders"): Worth(224, 89, 1056, 426),
    ("5Min", "inverted_cup_and_handle"): Worth(143, 27, 754, 152),
    ("5Min", "opening_range_breakdown"): Worth(144, 50, 770, 234),
    ("5Min", "opening_range_breakout"): Worth(167, 44, 888, 253),
    ("5Min", "pennant"): Worth(465, 54, 2322, 316),
    ("5Min", "rectangle_breakdown"): Worth(17, 6, 82, 44),
    ("5Min", "rectangle_breakout"): Worth(23, 17, 110, 67),
    ("5Min", "symmetrical_triangle"): Worth(239, 51, 1228, 314),
    ("5Min", "vwap_loss"): Worth(483, 305, 2376, 1446),
    ("5Min", "vwap_reclaim"): Worth(637, 485, 2854, 1968),
    ("5Min", "candle"): Worth(116472, 56277, 576947, 284201),
    ("1Day", "abcd"): Worth(72, 49, 311, 255),
    ("1Day", "ascending_triangle"): Worth(17, 7, 60, 33),
    ("1Day", "bear_abcd"): Worth(7, 5, 38, 27),
    ("1Day", "bear_flag"): Worth(31, 0, 85, 2),
    ("1Day", "bear_pennant"): Worth(12, 0, 53, 0),
    ("1Day", "bear_symmetrical_triangle"): Worth(8, 2, 36, 0),
    ("1Day", "bull_flag"): Worth(27, 2, 161, 20),
    ("1Day", "cup_and_handle"): Worth(14, 3, 65, 24),
    ("1Day", "descending_triangle"): Worth(5, 0, 29, 3),
    ("1Day", "double_bottom"): Worth(5, 5, 16, 13),
    ("1Day", "double_top"): Worth(5, 1, 17, 10),
    ("1Day", "head_and_shoulders"): Worth(15, 5, 55, 13),
    ("1Day", "inverse_head_and_shoulders"): Worth(9, 6, 47, 22),
    ("1Day", "inverted_cup_and_handle"): Worth(7, 2, 22, 4),
    ("1Day", "pennant"): Worth(14, 2, 75, 24),
    ("1Day", "rectangle_breakdown"): Worth(0, 0, 0, 0),
    ("1Day", "rectangle_breakout"): Worth(1, 1, 10, 9),
    ("1Day", "symmetrical_triangle"): Worth(12, 2, 53, 8),
    ("1Day", "candle"): Worth(69244, 34519, 344364, 172037),
}
UNKNOWN = Worth(0, 0, 0, 0)
_CHANCES = {key: worth.even_chance for key, worth in WORTH.items()}


def confidence(timeframe: str, name: str, status: Status) -> float:
    """A confirmed pattern's even chance, a forming one's times the chance of being confirmed, and 0 of a failed one."""
    if status == "failed":
        return 0.0
    even = _CHANCES.get((timeframe, name), UNKNOWN.even_chance)
    return round(even if status == "confirmed" else even * CONFIRMED_SHARE[timeframe], 4)


def candle_confidence(timeframe: str) -> float:
    """One figure for all candlesticks of a timeframe: taken singly none stands out of the sixty-one."""
    return confidence(timeframe, "candle", "confirmed")
