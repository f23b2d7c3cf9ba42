"""All 61 candlesticks drawn by hand, each with the one bar that spoils it.

Definitions: Nison, Japanese Candlestick Charting Techniques (1991), and Morris, Candlestick Charting Explained (1992),
as TA-Lib's `ta_CDL*.c` put them in figures. Bars are (open, high, low, close). Before each figure lie bars two wide in
their body and three in all, so that a body over 2 is long, one up to 0.3 a doji, a shadow under 0.3 very short.
"""

from typing import NamedTuple

import numpy as np

from shared.domain.market import Bars
from tests.pattern import charts

Bar = tuple[float, float, float, float]
LEAD_BARS = 44
RISE, FALL = (100.0, 104.2, 99.8, 104.0), (106.0, 106.2, 101.8, 102.0)
"""A long white and a long black bar: many figures begin with one of them."""


class Candle(NamedTuple):
    """The figure's bars, TA-Lib's sign of it, and the bar (its place, its prices) with which it is no longer one."""

    bars: tuple[Bar, ...]
    sign: int
    place: int
    spoilt: Bar


CANDLES: dict[str, Candle] = {
    "2CROWS": Candle((RISE, (106, 106.2, 104.8, 105), (105.5, 105.7, 101.8, 102)), -1, 2, (105.5, 105.7, 104.3, 104.5)),
    "3BLACKCROWS": Candle((RISE, (103.8, 104, 100.9, 101), (102.5, 102.7, 97.9, 98), (99.5, 99.7, 94.9, 95)),
                          -1, 3, (99.5, 99.7, 93, 95)),
    "3INSIDE": Candle((FALL, (103, 104.2, 102.8, 104), (104, 107.2, 103.8, 107)), 1, 2, (104, 105.7, 103.8, 105.5)),
    "3LINESTRIKE": Candle(((100, 102.2, 99.8, 102), (101.5, 103.7, 101.3, 103.5), (103, 105.2, 102.8, 105),
                           (105.5, 105.7, 99, 99.5)), 1, 3, (105.5, 105.7, 100.3, 100.5)),
    "3OUTSIDE": Candle(((102, 102.2, 100.8, 101), (100.5, 103.7, 100.3, 103.5), (103.5, 105.2, 103.3, 105)),
                       1, 2, (103.5, 104, 103, 103.2)),
    "3STARSINSOUTH": Candle(((110, 110.2, 103, 107), (108.5, 108.7, 104, 106.5), (106, 106.05, 105, 105.05)),
                            1, 2, (106, 106.05, 103.5, 105.05)),
    "3WHITESOLDIERS": Candle(((100, 103.1, 99.8, 103), (102, 105.1, 101.8, 105), (104, 107.1, 103.8, 107)),
                             1, 2, (104, 108.5, 103.8, 107)),
    "ABANDONEDBABY": Candle((FALL, (100.5, 100.8, 100.2, 100.5), (101.5, 105.2, 101.2, 105)),
                            1, 2, (101.5, 105.2, 100.6, 105)),
    "ADVANCEBLOCK": Candle((RISE, (103, 106.9, 102.8, 106), (105.5, 109, 105.3, 107)), -1, 2, (105.5, 109, 105.3, 109)),
    "BELTHOLD": Candle(((100, 104.9, 100, 104),), 1, 0, (100, 104.9, 99, 104)),
    "BREAKAWAY": Candle(((110, 110.2, 105.8, 106), (104, 104.2, 102.8, 103), (103, 103.2, 101.8, 102.2),
                         (102, 102.2, 100.8, 101), (101, 105.7, 100.8, 105.3)), 1, 4, (101, 103.9, 100.8, 103.7)),
    "CLOSINGMARUBOZU": Candle(((100, 104, 99, 104),), 1, 0, (100, 105, 99, 104)),
    "CONCEALBABYSWALL": Candle(((110, 110, 107, 107), (108, 108, 104, 104), (103, 104.5, 101.9, 102),
                                (105, 105.05, 101, 101.05)), 1, 3, (104, 104.1, 101, 101.05)),
    "COUNTERATTACK": Candle((FALL, (98, 102.2, 97.8, 102.05)), 1, 1, (98, 103.2, 97.8, 103)),
    "DARKCLOUDCOVER": Candle((RISE, (105, 105.2, 101, 101.2)), -1, 1, (105, 105.2, 102.3, 102.5)),
    "DOJI": Candle(((102, 103, 101, 102),), 1, 0, (102, 103, 101, 102.5)),
    "DOJISTAR": Candle((FALL, (101, 101.5, 100.5, 101)), 1, 1, (102.5, 103, 102, 102.5)),
    "DRAGONFLYDOJI": Candle(((102, 102.05, 99, 102),), 1, 0, (102, 103, 99, 102)),
    "ENGULFING": Candle(((102, 102.2, 100.8, 101), (100.5, 103.7, 100.3, 103.5)), 1, 1, (101.5, 103.7, 101.3, 103.5)),
    "EVENINGDOJISTAR": Candle((RISE, (105.5, 106, 105, 105.5), (104.8, 105, 101, 101.2)), -1, 2,
                              (105.5, 105.7, 103, 103.2)),
    "EVENINGSTAR": Candle((RISE, (105, 105.8, 104.8, 105.6), (104.8, 105, 101, 101.2)), -1, 1,
                          (103, 105.8, 102.8, 103.6)),
    "GAPSIDESIDEWHITE": Candle(((100, 103.2, 99.8, 103), (104.5, 106.2, 104.3, 106), (104.5, 106.3, 104.3, 106.1)),
                               1, 2, (104.5, 109.3, 104.3, 109.1)),
    "GRAVESTONEDOJI": Candle(((102, 105, 101.95, 102),), 1, 0, (102, 105, 101, 102)),
    "HAMMER": Candle((FALL, (101.8, 102.15, 98.5, 102.1)), 1, 1, (105, 105.35, 101.7, 105.3)),
    "HANGINGMAN": Candle((RISE, (104.2, 104.55, 101, 104.5)), -1, 1, (101.2, 101.55, 98, 101.5)),
    "HARAMI": Candle((FALL, (103, 104.2, 102.8, 104)), 1, 1, (105.5, 106.9, 105.3, 106.7)),
    "HARAMICROSS": Candle((FALL, (104, 104.5, 103.5, 104)), 1, 1, (104, 105, 103.5, 104.8)),
    "HIGHWAVE": Candle(((102, 105, 99, 102.8),), 1, 0, (102, 103.2, 99, 102.8)),
    "HIKKAKE": Candle(((105, 106, 100, 101), (102, 104, 101, 103), (102, 103, 100, 101)), 1, 1, (102, 107, 101, 103)),
    "HIKKAKEMOD": Candle(((105, 108, 100, 101), (105, 107, 101, 101.3), (103, 106, 102, 103), (103, 105, 100.5, 101)),
                         1, 1, (105, 107, 101, 104)),
    "HOMINGPIGEON": Candle((FALL, (104.5, 104.7, 102.8, 103.5)), 1, 1, (104.5, 104.7, 101, 101.5)),
    "IDENTICAL3CROWS": Candle(((110, 110.2, 106.95, 107), (107, 107.2, 103.95, 104), (104, 104.2, 100.95, 101)),
                              -1, 2, (105, 105.2, 100.95, 101)),
    "INNECK": Candle((FALL, (100.5, 102.2, 100.3, 102.1)), -1, 1, (100.5, 104.2, 100.3, 104)),
    "INVERTEDHAMMER": Candle((FALL, (100.5, 103, 100.48, 101)), 1, 1, (100.5, 103, 98.5, 101)),
    "KICKING": Candle(((104, 104.02, 99.98, 100), (105, 109.02, 104.98, 109)), 1, 1, (103, 107.02, 102.98, 107)),
    "KICKINGBYLENGTH": Candle(((104, 104.02, 99.98, 100), (105, 110.02, 104.98, 110)), 1, 1,
                              (105, 110.02, 103, 110)),
    "LADDERBOTTOM": Candle(((112, 112.2, 108.8, 109), (110, 110.2, 106.8, 107), (108, 108.2, 104.8, 105),
                            (106, 107.5, 103.8, 104), (106.5, 109.2, 106.3, 109)), 1, 4, (106.5, 107.4, 106.3, 107.2)),
    "LONGLEGGEDDOJI": Candle(((102, 105, 99, 102),), 1, 0, (102, 105, 99, 103)),
    "LONGLINE": Candle(((100, 104.4, 99.8, 104),), 1, 0, (100, 105.3, 99.8, 104)),
    "MARUBOZU": Candle(((100, 104.05, 99.95, 104),), 1, 0, (100, 104.6, 99.95, 104)),
    "MATCHINGLOW": Candle((FALL, (104, 104.2, 101.8, 102.05)), 1, 1, (104, 104.2, 102.8, 103)),
    "MATHOLD": Candle((RISE, (106, 106.2, 104.8, 105), (104.8, 105, 103.3, 103.6), (104.3, 104.5, 102.9, 103.2),
                       (103.5, 107.7, 103.3, 107.5)), 1, 4, (103.5, 106.1, 103.3, 105.9)),
    "MORNINGDOJISTAR": Candle((FALL, (100.8, 101.2, 100.4, 100.8), (101.2, 105.2, 101, 105)), 1, 1,
                              (103, 103.4, 102.6, 103)),
    "MORNINGSTAR": Candle((FALL, (101, 101.2, 100, 100.3), (101.2, 105.2, 101, 105)), 1, 2, (101.2, 103, 101, 102.8)),
    "ONNECK": Candle(((106, 106.2, 101, 102), (100, 101.2, 99.8, 101)), -1, 1, (100, 100.7, 99.8, 100.5)),
    "PIERCING": Candle((FALL, (101, 105.2, 100.8, 105)), 1, 1, (101, 103.9, 100.8, 103.7)),
    "RICKSHAWMAN": Candle(((102, 105, 99, 102),), 1, 0, (104.5, 105, 99, 104.5)),
    "RISEFALL3METHODS": Candle(((100, 106.2, 99.8, 106), (105, 105.2, 103.9, 104.1), (104.2, 104.4, 103.1, 103.3),
                                (103.4, 103.6, 102.3, 102.5), (103, 107.2, 102.8, 107)),
                               1, 4, (103, 105.7, 102.8, 105.5)),
    "SEPARATINGLINES": Candle(((104, 104.2, 101.8, 102), (104.05, 108.2, 104, 108)), 1, 1, (105, 109.2, 104.95, 109)),
    "SHOOTINGSTAR": Candle((RISE, (104.6, 107.5, 104.58, 105)), -1, 1, (103.6, 106.5, 103.58, 104)),
    "SHORTLINE": Candle(((102, 103.2, 101.8, 103),), 1, 0, (102, 104.2, 101.8, 103)),
    "SPINNINGTOP": Candle(((102, 103.5, 101, 102.4),), 1, 0, (102, 103.5, 101, 103.2)),
    "STALLEDPATTERN": Candle((RISE, (103, 107.05, 102.8, 107), (106.9, 107.9, 106.7, 107.6)), -1, 2,
                             (104.9, 105.9, 104.7, 105.6)),
    "STICKSANDWICH": Candle(((105, 105.2, 101.8, 102), (103, 106.2, 102.8, 106), (106.5, 106.7, 101.9, 102.05)),
                            1, 2, (106.5, 106.7, 102.9, 103)),
    "TAKURI": Candle(((102, 102.05, 98.5, 102),), 1, 0, (102, 102.9, 98.5, 102)),
    "TASUKIGAP": Candle(((100, 103.2, 99.8, 103), (104.5, 106.7, 104.3, 106.5), (105.7, 105.9, 103.5, 103.7)),
                        1, 2, (105.7, 105.9, 102.5, 102.7)),
    "THRUSTING": Candle((FALL, (100.5, 103.4, 100.3, 103.2)), -1, 1, (100.5, 105.2, 100.3, 105)),
    "TRISTAR": Candle(((104, 104.5, 103.5, 104), (102.5, 103, 102, 102.5), (103.3, 103.8, 102.8, 103.3)),
                      1, 1, (104, 104.5, 103.5, 104)),
    "UNIQUE3RIVER": Candle(((108, 108.2, 103.8, 104), (106, 106.2, 102, 105), (103, 104.2, 102.8, 104)),
                           1, 1, (106, 106.2, 104, 105)),
    "UPSIDEGAP2CROWS": Candle((RISE, (106, 106.2, 105.3, 105.5), (106.5, 106.7, 104.6, 104.8)), -1, 2,
                              (106.5, 106.7, 103, 103.2)),
    "XSIDEGAP3METHODS": Candle(((100, 103.2, 99.8, 103), (104.5, 106.7, 104.3, 106.5), (105.5, 105.7, 101.8, 102)),
                               1, 2, (105.5, 105.7, 98.8, 99)),
}  # fmt: skip


def draw_candle(name: str, *, spoilt: bool = False, noise: float = 0.0, seed: int = 0) -> Bars:
    """The lead and the figure; `noise` is the most by which a price is off, in the drawing's units."""
    drawn = CANDLES[name]
    figure = [drawn.spoilt if spoilt and place == drawn.place else bar for place, bar in enumerate(drawn.bars)]
    lead = [(101.0, 103.5, 100.5, 103.0), (103.0, 103.5, 100.5, 101.0)] * (LEAD_BARS // 2)
    rows = np.array([*lead, *figure], dtype=np.float64)
    rows += np.random.default_rng(seed).uniform(-noise, noise, rows.shape)
    open_, high, low, close = rows.T
    high, low = np.maximum(high, np.maximum(open_, close)), np.minimum(low, np.minimum(open_, close))
    times = charts.YESTERDAY + charts.STEP * np.arange(len(rows))
    return charts.bars_of("CANDLE", [times, open_, high, low, close, np.full(len(rows), 1000.0)])
