"""Invented tapes: the same from the same seed, whole, plausible, and with the surprises that a system must survive."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scripts.tapes import headlines
from scripts.tapes.events import BEFORE_OPEN, KINDS, SHAPES, course, draw_events
from scripts.tapes.paths import volume_curve
from scripts.tapes.synthesize import Synthesized, synthesize
from scripts.tapes.universe import make_universe
from services.exchange.store import load_tape
from shared.errors import BadInput

OPEN = datetime(2026, 6, 15, 13, 30, tzinfo=UTC)
TABLES = ("universe", "daily", "bars", "news")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(tmp_path_factory.mktemp("market"), seed=3, names=900)


@pytest.fixture(scope="module")
def tables(made: Synthesized) -> dict[str, pl.DataFrame]:
    return {name: pl.read_parquet(made.folder / f"{name}.parquet") for name in TABLES}


def digest(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in TABLES]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        synthesize(tmp_path / name, seed=seed, names=40)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert not set(digest(tmp_path / "a")) & set(digest(tmp_path / "c"))


def test_the_exchange_can_play_all_of_it(made: Synthesized) -> None:
    tape = load_tape(made.folder)
    assert tape.dropped == {}
    assert len(tape.bars.time) == made.bars
    assert len(tape.news) == made.headlines
    assert len(tape.daily.time) >= 119 * made.names


def test_bars_agree_with_themselves_and_with_the_daily_row(tables: dict[str, pl.DataFrame]) -> None:
    bars = tables["bars"]
    assert bars.filter(pl.col("high") < pl.max_horizontal("open", "close", "low")).is_empty()
    assert bars.filter(pl.col("low") > pl.min_horizontal("open", "close")).is_empty()
    assert bars.filter((pl.col("volume") <= 0) | (pl.col("low") <= 0)).is_empty()
    dear = bars.filter(pl.col("low") >= 1.0)
    assert ((dear["close"] * 100).round(6) % 1).max() == 0.0
    day = tables["daily"].filter(pl.col("date") == date(2026, 6, 15)).sort("symbol")
    added = bars.group_by("symbol").agg(pl.col("close").last(), pl.col("volume").sum()).sort("symbol")
    assert day["symbol"].to_list() == added["symbol"].to_list()
    assert day["volume"].to_list() == added["volume"].to_list()
    assert day["close"].to_list() == added["close"].to_list()


def test_the_famous_are_there_and_tesla_stays_near_250(tables: dict[str, pl.DataFrame]) -> None:
    assert {"SPY", "AAPL", "MSFT", "NVDA", "TSLA"} <= set(tables["universe"]["symbol"])
    tesla = tables["bars"].filter(pl.col("symbol") == "TSLA")
    early = tesla.filter(pl.col("start") < OPEN + timedelta(minutes=30))
    assert len(early) == 30
    assert early["low"].min() >= 248  # type: ignore[operator]  # polars types an aggregate as anything
    assert early["high"].max() <= 252  # type: ignore[operator]
    assert tesla["close"].is_between(245, 255).all()


@pytest.mark.parametrize("seed", range(12))
def test_tesla_stays_there_for_any_seed(seed: int, tmp_path: Path) -> None:
    synthesize(tmp_path, seed=seed, names=30)
    tesla = pl.scan_parquet(tmp_path / "bars.parquet").filter(pl.col("symbol") == "TSLA").collect()
    assert tesla["low"].min() >= 248  # type: ignore[operator]
    assert tesla["high"].max() <= 252  # type: ignore[operator]


def test_volume_is_a_u_and_names_move_together(made: Synthesized, tables: dict[str, pl.DataFrame]) -> None:
    curve = volume_curve(390)
    assert curve.sum() == pytest.approx(1.0)
    assert curve[0] > curve[389] > curve[200]
    by_minute = tables["bars"].group_by("start").agg(pl.col("volume").sum()).sort("start")["volume"].to_numpy()
    assert by_minute[:15].mean() > by_minute[-15:].mean() > by_minute[180:210].mean()
    wide = tables["daily"].pivot(on="symbol", index="date", values="close").sort("date").drop("date")
    steps = np.diff(np.log(wide.select(pl.all().fill_null(strategy="forward")).to_numpy()), axis=0)
    together = np.corrcoef(np.nan_to_num(steps[:, :200]), rowvar=False)
    assert 0.03 < np.nanmean(together[np.triu_indices(200, 1)]) < 0.6
    small, large = np.array_split(np.argsort(load_tape(made.folder).dollar_volume), 2)
    assert np.nanstd(steps[:, small]) > np.nanstd(steps[:, large])


def test_prices_jump_where_and_when_the_news_says(tables: dict[str, pl.DataFrame]) -> None:
    universe = make_universe(np.random.default_rng([3, 900]), 900)
    events = draw_events(np.random.default_rng([3, date(2026, 6, 15).toordinal()]), universe, 390)
    assert len(events) == 17
    assert {event.sign for event in events} == {1, -1}
    last = tables["daily"].filter(pl.col("date") == date(2026, 6, 12))
    before = dict(zip(last["symbol"], last["close"], strict=True))
    agreed = 0
    for event in events:
        symbol = universe.symbols[event.row]
        bars = tables["bars"].filter(pl.col("symbol") == symbol)
        moment = OPEN + timedelta(minutes=max(event.minute, 0) + 4)
        known = bars.filter(pl.col("start") < OPEN + timedelta(minutes=event.minute))["close"]
        base = before[symbol] if event.minute == BEFORE_OPEN else known[-1]
        after = bars.filter(pl.col("start") <= moment)["close"][-1]
        agreed += np.sign(after - base) == event.sign
        items = tables["news"].filter(pl.col("symbols").list.first() == symbol).sort("published_at")
        at = OPEN if event.minute == BEFORE_OPEN else OPEN + timedelta(minutes=event.minute)
        assert not items.filter(pl.col("published_at").is_between(at - timedelta(minutes=151), at)).is_empty()
    assert agreed >= len(events) - 2


def test_every_kind_has_wording_and_every_shape_its_course() -> None:
    for kind, sign, *_ in KINDS:
        assert headlines.FIRST[kind, sign]
        assert headlines.AGAIN[kind, sign]
    rng = np.random.default_rng(0)
    universe = make_universe(rng, 4129)
    seen = set()
    for event in draw_events(rng, universe, 390):
        gap, path, volume = course(rng, event, 390)
        seen.add(event.shape)
        assert (gap != 0) == (event.minute == BEFORE_OPEN)
        assert np.isfinite(path).all()
        assert volume.min() > 0.3
        if event.minute > 0:
            assert np.all(path[: event.minute] == 0)
        if event.shape == "flag":
            assert event.sign * path[-1] > abs(event.jump - gap) * 0.9
    assert seen == {shape for shape, _ in SHAPES}


def test_news_comes_from_several_wires_and_some_of_it_twice(tables: dict[str, pl.DataFrame]) -> None:
    news = tables["news"]
    assert news["source"].n_unique() == len(headlines.WIRES)
    assert news["published_at"].is_sorted()
    assert news["id"].n_unique() == len(news)
    assert not news["headline"].str.contains(r"[{}]").any()
    early = news.filter(pl.col("published_at") < OPEN)
    assert 0.2 < len(early) / len(news) < 0.8


def test_there_are_issues_to_filter_pennies_and_idle_names(tables: dict[str, pl.DataFrame]) -> None:
    names = tables["universe"]["name"]
    for word in ("Warrants", "Units", "Rights", "Preferred", "TEST STOCK"):
        assert names.str.contains(word).any(), word
    assert {"OTC", "NYSE", "NASDAQ", "AMEX"} <= set(tables["universe"]["exchange"])
    per_name = tables["bars"].group_by("symbol").agg(pl.len().alias("bars"), pl.col("close").last())
    assert per_name.filter(pl.col("bars") < 100).height > 50
    assert per_name.filter(pl.col("close") < 1.0).height > 3
    assert tables["universe"].filter(pl.col("sector") != "")["sector"].n_unique() >= 11


def test_a_halt_a_delisting_and_a_split_look_alike_are_in_it(
    made: Synthesized, tables: dict[str, pl.DataFrame]
) -> None:
    manifest = json.loads((made.folder / "manifest.json").read_text())
    (halt,), (gone,) = manifest["halts"], manifest["delistings"]
    span = (datetime.fromisoformat(halt["start"]), datetime.fromisoformat(halt["end"]))
    halted = tables["bars"].filter(pl.col("symbol") == halt["symbol"])
    assert halted.filter(pl.col("start").is_between(*span, closed="left")).is_empty()
    assert not halted.filter(pl.col("start") >= span[1]).is_empty()
    left = tables["bars"].filter(pl.col("symbol") == gone["symbol"])
    assert left["start"].max() < datetime.fromisoformat(gone["at"])  # type: ignore[operator]
    assert not tables["news"].filter(pl.col("headline").str.contains("Delisting")).is_empty()
    jumps = tables["daily"].with_columns((pl.col("close") / pl.col("close").shift().over("symbol")).alias("jump"))
    assert jumps.filter(pl.col("jump") > 7)["symbol"].n_unique() == 1


def test_several_sessions_follow_one_another_over_a_holiday(tmp_path: Path) -> None:
    made = synthesize(tmp_path, first=date(2026, 6, 18), sessions=2, names=30)
    assert made.sessions == (date(2026, 6, 18), date(2026, 6, 22))
    first, second = (load_tape(tmp_path, day) for day in made.sessions)
    low, high = first.bars.rows(first.index["SPY"])
    assert second.previous_close("SPY") == first.bars.close[high - 1]
    assert high - low == 390
    assert second.news_until(second.session.open)[0].published_at < first.session.open


def test_a_half_day_is_short(tmp_path: Path) -> None:
    synthesize(tmp_path, first=date(2026, 11, 27), names=30)
    tape = load_tape(tmp_path)
    low, high = tape.bars.rows(tape.index["SPY"])
    assert high - low == 210
    assert tape.session.close - tape.session.open == 3.5 * 3600


@pytest.mark.parametrize(
    ("options", "field"),
    [({"names": 5}, "names"), ({"sessions": 0}, "sessions"), ({"first": date(2026, 6, 14)}, "date")],
)
def test_options_that_make_no_market_are_refused(options: dict[str, object], field: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        synthesize(tmp_path, **options)  # type: ignore[arg-type]
    assert refused.value.field == field
