"""How much of a day's volume has usually traded by now: the measured curve, and what the last sessions teach.

A curve has a row for each band of average dollar volume: the biggest names trade early, thin ones into the close.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.domain.market import Bars, BarTable, Floats
from shared.domain.session import Session

FULL_MINUTES = 390.0
KNOTS = np.array((0, 5, 15, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360, 390), dtype=np.float64)
# Lower edges, in USD a day, of all bands but the first.
BAND_EDGES = np.array((1e7, 5e7, 2e8, 1e9))
# Percent of the day's volume at KNOTS, a row for each band: medians over the names and days of 18 May to 12 June 2026
# (19 sessions, 5-minute bars, without the closing auction), printed anew by benchmarks/bench_volume_curve.
MEASURED = np.array(
    (
        (0, 2.1, 4.6, 8.4, 16.3, 23.5, 30.0, 36.0, 41.8, 47.1, 52.5, 57.9, 63.7, 69.8, 77.5, 100),
        (0, 1.9, 4.1, 7.4, 14.5, 20.9, 27.0, 32.5, 37.6, 42.4, 47.4, 52.6, 58.1, 64.0, 71.9, 100),
        (0, 2.0, 4.4, 8.1, 15.4, 21.9, 28.0, 33.5, 38.4, 42.9, 47.7, 52.9, 58.3, 63.9, 71.5, 100),
        (0, 2.8, 6.0, 10.3, 18.3, 25.2, 31.6, 37.2, 42.2, 47.0, 52.1, 57.2, 62.4, 67.7, 74.6, 100),
        (0, 4.3, 9.3, 15.7, 26.4, 34.3, 41.3, 47.4, 53.0, 57.6, 62.5, 67.4, 71.9, 76.8, 82.8, 100),
    )
) / 100  # fmt: skip
# A half day's whole volume over the average of the twenty days before: medians over some 1,800 names were 0.53, 0.39
# and 0.33 (3 July, 28 November, 24 December 2025).
HALF_DAY_VOLUME = 0.4
LEAST_SHARE = 0.005
# The measured curve counts as much as two of the sessions learned.
MEASURED_SESSIONS = 2
SESSIONS_LEARNED, SESSIONS_KEPT, NAMES_PER_BAND, LEAST_NAMES = 5, 10, 60, 10
# The day's last bars are in every feed by then.
LESSON_AFTER = timedelta(minutes=20)


@dataclass(frozen=True)
class Lesson:
    """One session's curve, of shape (bands, knots), NaN for a band with too few names; `symbols` are who taught it."""

    day: date
    symbols: tuple[str, ...]
    shares: Floats


class _Packed(msgspec.Struct):
    day: date
    symbols: tuple[str, ...]
    shares: list[float]


def bands_of(dollars: Floats) -> NDArray[np.int64]:
    """Row of the curve for each average dollar volume; what is not known counts as thin."""
    return np.searchsorted(BAND_EDGES, np.nan_to_num(dollars), side="right").astype(np.int64)


def sample_of(symbols: Sequence[str], dollars: Floats, least: float) -> dict[str, int]:
    """Band by symbol of the names to learn from: of each band up to 60, evenly from its most to its least traded."""
    order = np.lexsort((np.array(symbols, dtype=np.str_), -np.nan_to_num(dollars)))
    order = order[np.nan_to_num(dollars)[order] >= least]
    bands = bands_of(dollars)[order]
    chosen: dict[str, int] = {}
    for band in range(len(MEASURED)):
        there = order[bands == band]
        places = np.unique(np.linspace(0, len(there) - 1, min(len(there), NAMES_PER_BAND)).round().astype(np.int64))
        chosen |= dict.fromkeys((symbols[place] for place in there[places].tolist()), band)
    return chosen


def to_learn(sessions: Sequence[Session], known: Sequence[Lesson], now: datetime) -> tuple[Session, ...]:
    """The last sessions that are over and not learned yet, oldest first."""
    days = {lesson.day for lesson in known}
    over = sorted((one for one in sessions if one.close + LESSON_AFTER <= now), key=lambda one: one.day)
    return tuple(one for one in over[-SESSIONS_LEARNED:] if one.day not in days)


def shares_of(bars: Bars, session: Session) -> tuple[Floats, float] | None:
    """Cumulative shares at KNOTS and the session's volume; a half day is stretched. None without a trade."""
    opened, length = session.open.timestamp(), (session.close - session.open).total_seconds()
    inside = (bars.start >= opened) & (bars.start < opened + length)
    total = float(bars.volume[inside].sum())
    if not total > 0:
        return None
    starts = bars.start[inside] - opened
    step = float(np.diff(bars.start).min()) if len(bars) > 1 else 300.0
    ends = np.minimum(starts + step, length)
    after = np.cumsum(bars.volume[inside])
    times, volumes = np.column_stack((starts, ends)).ravel(), np.column_stack((after - bars.volume[inside], after))
    return np.interp(KNOTS / FULL_MINUTES * length, times, volumes.ravel()) / total, total


def lesson_of(
    table: BarTable, sample: Mapping[str, int], session: Session, day_volume: Mapping[str, float]
) -> Lesson | None:
    """What a session's bars teach; None when too few names traded in every band.

    Where the bars hold less than the day's volume in `day_volume`, the rest is the closing auction: shares are of the
    whole day. Less than half means another feed: then they are of the bars themselves.
    """
    rows: list[list[Floats]] = [[] for _ in MEASURED]
    parts, names = list[float](), list[str]()
    for symbol, band in sorted(sample.items()):
        found = shares_of(table[symbol], session) if symbol in table else None
        if found is not None:
            rows[band].append(found[0])
            names.append(symbol)
            whole = day_volume.get(symbol, 0.0)
            parts += [found[1] / whole] if whole > 0 else []
    if max(map(len, rows)) < LEAST_NAMES:
        return None
    regular = float(np.median(parts)) if parts else 1.0
    scale = regular if 0.5 < regular < 1 else 1.0
    none = np.full(len(KNOTS), np.nan)
    shares = [np.median(band, axis=0) * scale if len(band) >= LEAST_NAMES else none for band in rows]
    return Lesson(session.day, tuple(names), np.array(shares))


def usable(lessons: Sequence[Lesson], today: date, universe: frozenset[str]) -> tuple[Lesson, ...]:
    """The newest lessons of days before `today`, oldest first.

    A lesson of another market, most of whose names are not in this universe, teaches nothing.
    """
    past = sorted((one for one in lessons if one.day < today), key=lambda one: one.day)[-SESSIONS_KEPT:]
    return tuple(one for one in past if 2 * len(universe.intersection(one.symbols)) >= len(one.symbols))


def curve_of(lessons: Sequence[Lesson]) -> Floats:
    """The measured curve and the lessons, averaged; of shape (bands, knots)."""
    total, weight = MEASURED * MEASURED_SESSIONS, np.full((len(MEASURED), 1), float(MEASURED_SESSIONS))
    for lesson in lessons:
        there = np.isfinite(lesson.shares).all(axis=1, keepdims=True)
        total = total + np.where(there, lesson.shares, 0.0)
        weight = weight + there
    return np.asarray(total / weight, dtype=np.float64)


def expected_by_band(curve: Floats, session: Session, now: datetime) -> Floats:
    """Expected volume by `now` over an average day's, of shape (bands,)."""
    length = (session.close - session.open).total_seconds() / 60
    minutes = session.elapsed_fraction(now) * FULL_MINUTES
    level = 1.0 if length >= FULL_MINUTES else HALF_DAY_VOLUME
    return level * np.array([max(LEAST_SHARE, float(np.interp(minutes, KNOTS, row))) for row in curve])


def expected_shares(by_band: Floats, dollars: Floats) -> Floats:
    """The same with one entry a symbol, by its average dollar volume."""
    return by_band[bands_of(dollars)]


def packed(lessons: Sequence[Lesson]) -> bytes:
    """The newest lessons for the cache."""
    newest = sorted(lessons, key=lambda one: one.day)[-SESSIONS_KEPT:]
    rows = [_Packed(one.day, one.symbols, np.nan_to_num(one.shares, nan=-1.0).ravel().tolist()) for one in newest]
    return msgspec.msgpack.encode(rows)


def unpacked(data: bytes) -> tuple[Lesson, ...]:
    """What was packed; nothing when the bytes are something else."""
    try:
        rows = msgspec.msgpack.decode(data, type=list[_Packed])
    except msgspec.MsgspecError:
        return ()
    shaped = ((row, np.array(row.shares)) for row in rows if len(row.shares) == MEASURED.size)
    return tuple(
        Lesson(row.day, row.symbols, np.where(shares < 0, np.nan, shares).reshape(MEASURED.shape))
        for row, shares in shaped
    )
