"""The volume curve measured anew, and how well it tells the day's volume from the morning's. Run: `make bench`.

Held out by day: each of the nineteen sessions by a table measured on the other eighteen, and the three sessions of
another tape by the table in the code, and by it with the lessons of the five sessions before each, as the service has.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from benchmarks.recorded import DAYS, MONTH, Recorded, record, sessions_of, table_of
from config.trading import ScannerPart
from services.scanner.rules import curve
from shared.domain.market import Floats

TIMES = {"10:00": 30.0, "11:00": 90.0, "13:00": 210.0}
# The curve that this one replaced: round figures after Jain and Joh (1988), the same for all names.
ROUND_MINUTES = (0, 5, 15, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360, 390)
ROUND_SHARES = (0, 4, 8.5, 13.5, 22, 29.5, 36, 42, 47.5, 53, 58.5, 64, 69.5, 76, 84, 100)
LESSONS_BEFORE = 5


@dataclass(frozen=True)
class Day:
    """One session's liquid names: shares at the knots (n, knots), band, whole volume and average before, each (n,)."""

    shares: Floats
    band: np.ndarray
    whole: Floats
    average: Floats
    lesson: curve.Lesson | None


def day_of(recorded: Recorded) -> Day:
    """Names that the scanner's filters let through by price and dollar volume, and that traded."""
    limits, base = ScannerPart(), recorded.baseline
    dollars, table = base.average_dollar_volume, table_of(recorded.tape, recorded.tape.bars, recorded.symbols)
    rows, places, wholes = list[Floats](), list[int](), list[float]()
    for place, symbol in enumerate(recorded.symbols):
        fit = dollars[place] >= limits.min_average_dollar_volume
        fit = fit and limits.min_price <= base.last_close[place] <= limits.max_price and symbol in table
        found = curve.shares_of(table[symbol], recorded.session) if fit else None
        if found is not None:
            rows.append(found[0])
            wholes.append(found[1])
            places.append(place)
    sample = curve.sample_of(recorded.symbols, dollars, limits.min_average_dollar_volume)
    lesson = curve.lesson_of(table, sample, recorded.session, {})
    band = curve.bands_of(dollars[places])
    return Day(np.array(rows), band, np.array(wholes), base.average_volume[places], lesson)


def measured(days: list[Day]) -> Floats:
    """Median share at each knot over all names and days, a row for each band."""
    shares, bands = np.concatenate([day.shares for day in days]), np.concatenate([day.band for day in days])
    return np.array([np.median(shares[bands == band], axis=0) for band in range(len(curve.MEASURED))])


Errors = dict[str, dict[str, list[tuple[float, float]]]]


def judge(errors: Errors, day: Day, rules: dict[str, Floats]) -> None:
    """Add each rule's median absolute and median signed error at the three times."""
    for label, minutes in TIMES.items():
        knot = int(np.searchsorted(curve.KNOTS, minutes))
        so_far = day.shares[:, knot] * day.whole
        told = {name: so_far / table[day.band, knot] for name, table in rules.items()}
        name, ours = list(told.items())[-1]
        told["the 20-day average alone"] = day.average
        told[f"{name}, geometric mean with the average"] = np.sqrt(ours * day.average)
        for rule, forecast in told.items():
            off = forecast / day.whole - 1
            errors[rule][label].append((float(np.median(np.abs(off))), float(np.median(off))))


def show(title: str, errors: Errors) -> None:
    say = sys.stdout.write
    say(f"\n{title}: median absolute error of the day's volume (median error), mean over days\n")
    say(f"{'':62}" + "".join(f"{label:>18}" for label in TIMES) + "\n")
    for rule, by_time in errors.items():
        cells = (np.mean(by_time[label], axis=0) for label in TIMES)
        say(f"{rule:<62}" + "".join(f"{cell[0]:>9.3f} ({cell[1]:+.2f}) " for cell in cells) + "\n")


def main() -> None:
    """Print the table of the code, then both comparisons."""
    say = sys.stdout.write
    if not (MONTH.is_dir() and DAYS.is_dir()):
        say("the recorded market is not at hand; nothing to measure\n")
        return
    month = [day_of(record(MONTH, day)) for day in sessions_of(MONTH)]
    table = measured(month)
    say("percent of the day's volume by band of average dollar volume (from 0, 1e7, 5e7, 2e8, 1e9 USD), as measured\n")
    say(f"{'minutes':>8}" + "".join(f"{minutes:6.0f}" for minutes in curve.KNOTS) + "\n")
    for band, row in enumerate(table):
        say(f"{band:>8}" + "".join(f"{100 * share:6.1f}" for share in row) + "\n")
    say(f"largest difference to the table in the code: {100 * np.abs(table - curve.MEASURED).max():.2f} points\n")
    flat = np.tile(np.interp(curve.KNOTS, ROUND_MINUTES, ROUND_SHARES) / 100, (len(table), 1))
    linear = {"linear": np.tile(curve.KNOTS / curve.FULL_MINUTES, (len(table), 1)), "one round curve for all": flat}
    errors: Errors = defaultdict(lambda: defaultdict(list))
    for place, day in enumerate(month):
        judge(errors, day, linear | {"measured without that day": measured(month[:place] + month[place + 1 :])})
    show(f"{len(month)} sessions, each left out in turn", errors)
    errors, before = defaultdict(lambda: defaultdict(list)), [day.lesson for day in month if day.lesson]
    for day_name in sessions_of(DAYS):
        recorded = record(DAYS, day_name)
        day = day_of(recorded)
        lessons = curve.usable(before[-LESSONS_BEFORE:], day_name, frozenset(recorded.symbols))
        taught = curve.curve_of(lessons)
        judge(errors, day, linear | {"table of the code": curve.MEASURED, "table with the last five lessons": taught})
        before += [day.lesson] if day.lesson else []
    show("three sessions of another tape", errors)


if __name__ == "__main__":
    main()
