"""Reading tapes, and what was known at a moment."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from services.exchange.rules.board import board_at
from services.exchange.rules.spread import quote_around
from services.exchange.rules.tape import Tape
from services.exchange.store import load_tape
from shared.errors import ConfigError
from tests.exchange.venues import CLOSE, OPEN, STEP, tape_of

BARS = {0: (100.0, 103.0, 99.0, 102.0, 500), 1: (102.5, 104.0, 101.0, 101.5, 700), 4: (101.0, 102.0, 100.0, 101.9, 50)}


@pytest.fixture(scope="module")
def tape(small_tape: Path) -> Tape:
    return load_tape(small_tape)


@pytest.fixture
def copy(small_tape: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_tape, tmp_path / "copy"))


def rewrite(folder: Path, table: str, change: pl.Expr | None = None, drop: str = "", more: int = 0) -> None:
    path = folder / f"{table}.parquet"
    frame = pl.read_parquet(path)
    if change is not None:
        frame = frame.with_columns(change)
    if drop:
        frame = frame.drop(drop)
    if more:
        frame = pl.concat([frame[-more:].reverse(), frame, frame[:more]])
    frame.write_parquet(path)


def test_last_price_is_the_running_open_then_the_close_and_never_the_future() -> None:
    tape = tape_of({"AAA": BARS}, previous=98.0)
    expected = [
        (OPEN - 1, 98.0, CLOSE - 86_400),
        (OPEN, 100.0, OPEN),
        (OPEN + STEP - 1, 100.0, OPEN),
        (OPEN + STEP, 102.5, OPEN + STEP),
        (OPEN + 2 * STEP, 101.5, OPEN + 2 * STEP),
        (OPEN + 4 * STEP - 1, 101.5, OPEN + 2 * STEP),
        (OPEN + 4 * STEP, 101.0, OPEN + 4 * STEP),
        (CLOSE + 100, 101.9, OPEN + 5 * STEP),
    ]
    for at, price, when in expected:
        assert tape.last_price("AAA", at) == (price, when)


def test_bars_are_found_by_time() -> None:
    tape = tape_of({"AAA": BARS, "BBB": {}})
    running = tape.bar_at("AAA", OPEN + STEP + 7)
    assert running is not None
    assert (running.start, running.high, running.volume) == (OPEN + STEP, 104.0, 700)
    assert tape.bar_at("AAA", OPEN + 2 * STEP) is None
    assert tape.bar_at("AAA", OPEN - 1) is None
    assert tape.next_bar_start("AAA", OPEN) == OPEN + STEP
    assert tape.next_bar_start("AAA", OPEN + STEP) == OPEN + 4 * STEP
    assert tape.next_bar_start("AAA", OPEN + 4 * STEP) is None
    assert tape.next_bar_start("BBB", 0) is None
    assert tape.bar_at("ZZZ", OPEN) is None
    assert tape.last_price("ZZZ", OPEN) is None
    assert tape.quote("ZZZ", OPEN, 2.0) is None


def test_halts_and_delistings_silence_the_quote() -> None:
    halts: dict[str, tuple[tuple[float, float], ...]] = {"AAA": ((OPEN + 60, OPEN + 120),)}
    tape = tape_of({"AAA": BARS, "BBB": BARS}, halts=halts, delistings={"BBB": OPEN + 600})
    assert [tape.quote("AAA", OPEN + s, 2.0) is None for s in (59, 60, 119, 120)] == [False, True, True, False]
    assert [tape.delisted("BBB", OPEN + s) for s in (599, 600, 9000)] == [False, True, True]
    assert tape.quote("BBB", OPEN + 600, 2.0) is None
    assert board_at(tape, OPEN + 60, 2.0).quotes[0] is None
    assert not board_at(tape, OPEN + 59, 2.0).holds_at(OPEN + 60)


@pytest.mark.parametrize("price", [0.0001, 0.0123, 0.9999, 1.0, 4.17, 99.995, 612.4, 4000.0])
@pytest.mark.parametrize("dollars", [0.0, 1e4, 1e6, 5e7, 1e10])
def test_a_quote_is_at_least_a_tick_wide_on_the_grid_around_the_price(price: float, dollars: float) -> None:
    quote = quote_around(price, dollars, 2.0)
    step = 0.01 if price >= 1 else 0.0001
    assert 0 < quote.bid < quote.ask
    assert quote.ask - quote.bid >= step * 0.999
    assert abs(quote.bid / step - round(quote.bid / step)) < 1e-6
    assert abs((quote.bid + quote.ask) / 2 - price) <= step * 1.01 + (quote.ask - quote.bid) * (quote.bid <= step)


def test_thin_names_are_quoted_wider() -> None:
    widths = [quote_around(50.0, dollars, 2.0) for dollars in (1e10, 5e7, 1e6, 1e4)]
    assert [round(quote.ask - quote.bid, 2) for quote in widths] == sorted(round(q.ask - q.bid, 2) for q in widths)
    assert widths[-1].ask - widths[-1].bid > 0.2


def test_the_board_agrees_with_the_tape_name_by_name(tape: Tape) -> None:
    session = tape.session
    for at in (
        session.open - 60,
        session.open,
        session.open + 95,
        session.open + 7_203,
        session.close,
        session.close + 9,
    ):
        board = board_at(tape, at, 2.0)
        for i, asset in enumerate(tape.assets):
            assert tape.last_price(asset.symbol, at) == (board.last[i], board.when[i])
            assert tape.quote(asset.symbol, at, 2.0) == board.quotes[i]


def test_loading_keeps_one_day_and_hides_its_daily_row(tape: Tape) -> None:
    assert tape.session.day == date(2026, 6, 15)
    assert tape.session.close - tape.session.open == 6.5 * 3600
    assert tape.bar_seconds == 60
    assert tape.daily.time.max() < tape.midnight
    assert tape.dropped == {}
    assert {"SPY", "AAPL", "MSFT", "NVDA", "TSLA"} <= set(tape.index)
    spy = slice(*tape.bars.rows(tape.index["SPY"]))
    assert len(tape.bars.time[spy]) == 390
    assert np.all(np.diff(tape.bars.time[spy]) == 60)


def test_what_cannot_be_used_is_dropped_and_counted(copy: Path) -> None:
    clean = load_tape(copy)
    first = pl.int_range(pl.len()) < 3
    rewrite(copy, "bars", change=pl.when(first).then(float("nan")).otherwise(pl.col("open")).alias("open"), more=5)
    rewrite(copy, "daily", change=pl.when(first).then(0.0).otherwise(pl.col("low")).alias("low"))
    rewrite(
        copy,
        "universe",
        change=pl.when(pl.col("symbol") == "MSFT").then(pl.lit("XX")).otherwise("symbol").alias("symbol"),
    )
    tape = load_tape(copy)
    assert tape.dropped["bars without usable prices"] == 6
    assert tape.dropped["bars given twice"] == 7
    assert tape.dropped["daily rows without usable prices"] == 3
    assert tape.dropped["bars of unknown symbols"] == 390
    spy, before = tape.bars.rows(tape.index["SPY"]), clean.bars.rows(clean.index["SPY"])
    assert spy[1] - spy[0] in {before[1] - before[0], before[1] - before[0] - 3}
    assert np.all(np.diff(tape.bars.time[slice(*spy)]) > 0)


@pytest.mark.parametrize("name", ["manifest.json", "universe.parquet", "daily.parquet", "bars.parquet", "news.parquet"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        load_tape(copy)


def test_a_missing_column_a_wrong_type_and_a_broken_file_are_named(copy: Path) -> None:
    rewrite(copy, "bars", drop="volume")
    with pytest.raises(ConfigError, match=r"bars\.parquet lacks the column volume"):
        load_tape(copy)
    rewrite(copy, "daily", change=pl.col("close").cast(pl.String))
    with pytest.raises(ConfigError, match=r"bars|close is String"):
        load_tape(copy)
    (copy / "universe.parquet").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="not a Parquet file"):
        load_tape(copy)


def test_a_day_that_is_not_there_lists_the_days_that_are(small_tape: Path, copy: Path) -> None:
    with pytest.raises(ConfigError, match=r"2026-06-16 is not on the tape .* it has 2026-06-15"):
        load_tape(small_tape, date(2026, 6, 16))
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"sessions": ["2026-06-16"]}))
    with pytest.raises(ConfigError, match="no bars for 2026-06-16"):
        load_tape(copy)
    (copy / "manifest.json").write_text(json.dumps(manifest | {"sessions": ["2026-06-14"]}))
    with pytest.raises(ConfigError, match="not a trading day"):
        load_tape(copy)
    (copy / "manifest.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be used"):
        load_tape(copy)
