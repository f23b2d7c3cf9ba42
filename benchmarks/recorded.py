"""A recorded session as the scanner sees it: the exchange's own answers, decoded by the scanner's own adapter."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.trading import ScannerPart
from services.exchange.api.wire import Sheet
from services.exchange.rules.board import board_at
from services.exchange.rules.tape import Columns, Tape
from services.exchange.store import load_tape, read_manifest
from services.scanner.rules import curve, story, universe
from services.scanner.rules.baseline import Baseline, baseline_of, with_companies
from services.scanner.rules.facts import Moment
from services.scanner.rules.glance import WITHOUT_NEWS
from services.scanner.rules.history import SESSIONS_KEPT, from_bars, mended
from services.scanner.rules.sift import Sifted, sift
from shared.adapters import alpaca_wire
from shared.domain.market import Asset, Bars, BarTable, Snapshots
from shared.domain.news import Headline
from shared.domain.session import Session

FOLDER = Path("../shared/market")
MONTH, DAYS = FOLDER / "2026-05-18_06-12", FOLDER / "2026-06-15_17"
SPREAD_BPS = 5.0
TARGET_PCT = 6.0  # as config/trading_config.yaml ships it
CHUNK = 500


@dataclass(frozen=True)
class Recorded:
    """One session: its tape, and what the scanner makes of the days before it."""

    tape: Tape
    session: Session
    day_before: float
    symbols: tuple[str, ...]
    names: NDArray[np.str_]
    baseline: Baseline

    def at(self, minutes: float) -> float:
        """Epoch seconds so many minutes after the opening, and twenty seconds: bars are there by then."""
        return self.tape.session.open + minutes * 60 + 20

    def answers(self, minutes: float) -> list[bytes]:
        """What the exchange answers to the scanner's requests for snapshots."""
        at = self.at(minutes)
        sheet, index = Sheet(self.tape, board_at(self.tape, at, SPREAD_BPS)), self.tape.index
        chunks = (self.symbols[first : first + CHUNK] for first in range(0, len(self.symbols), CHUNK))
        return [msgspec.json.encode({one: sheet.snapshot(index[one], at) for one in chunk}) for chunk in chunks]

    def snapshots(self, answers: list[bytes]) -> Snapshots:
        found: alpaca_wire.SnapshotPage = {}
        for answer in answers:
            found |= alpaca_wire.SNAPSHOTS.decode(answer)
        return alpaca_wire.snapshot_columns(self.symbols, found)

    def sifted(self, snapshots: Snapshots, minutes: float, **limits: float) -> Sifted:
        """With the limits as the configuration ships them, but for those that are named."""
        at = self.at(minutes)
        by_band = curve.expected_by_band(curve.curve_of(()), self.session, datetime.fromtimestamp(at, UTC))
        expected = curve.expected_shares(by_band, self.baseline.average_dollar_volume)
        day = float(self.session.day.toordinal())
        moment = Moment(at, at - self.tape.session.open, expected, day, self.day_before, self.day_before)
        return sift(self.names, snapshots, self.baseline, ScannerPart.model_validate(limits), moment, TARGET_PCT)

    def asked(self, sifted: Sifted, minutes: float) -> story.NewsAsked:
        """What the tape's wire says of the names that only news keeps, since the close before."""
        since, until = float(self.tape.daily_close_at.max()), self.at(minutes)
        symbols = sifted.dropped_for(WITHOUT_NEWS)
        items = [
            Headline(
                id=str(item.id),
                source=item.source,
                published_at=datetime.fromtimestamp(item.published_at, UTC),
                headline=item.headline,
                symbols=item.symbols,
            )
            for item in self.tape.news_until(until)
            if item.published_at > since and not set(symbols).isdisjoint(item.symbols)
        ]
        return story.heard(symbols, items, datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))


def sessions_of(folder: Path) -> tuple[date, ...]:
    return read_manifest(folder).sessions


def record(folder: Path, day: date | None = None) -> Recorded:
    """One session of a tape, its first by default."""
    tape = load_tape(folder, day)
    rows = (
        Asset(symbol=one.symbol, name=one.name, exchange=one.exchange, tradable=True, active=True)
        for one in tape.assets
    )
    kept = universe.select(rows).kept
    symbols = tuple(asset.symbol for asset in kept)
    history = mended(from_bars(symbols, table_of(tape, tape.daily, symbols, SESSIONS_KEPT)))
    opens, closes = (datetime.fromtimestamp(at, UTC) for at in tape.session[:2])
    session = Session(day=tape.session.day, open=opens, close=closes)
    baseline = with_companies(baseline_of(history), universe.companies_of(kept))
    day_before = float(history.last_day.toordinal())
    return Recorded(tape, session, day_before, symbols, np.array(symbols, dtype=np.str_), baseline)


def table_of(tape: Tape, columns: Columns, symbols: tuple[str, ...], most: int | None = None) -> BarTable:
    """Bars by symbol, the last `most` of each."""
    table: BarTable = {}
    for symbol in symbols:
        low, high = columns.rows(tape.index[symbol])
        part = slice(low if most is None else max(low, high - most), high)
        if part.start < part.stop:
            start, volume = (column[part].astype(np.float64) for column in (columns.time, columns.volume))
            prices = (columns.open[part], columns.high[part], columns.low[part], columns.close[part])
            table[symbol] = Bars(symbol, start, *prices, volume)
    return table
