"""Recording, proven against the simulated exchange: what comes back is the tape that was played."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scripts.tapes.files import TABLES
from scripts.tapes.record import Parts, Recording, record
from scripts.tapes.synthesize import synthesize
from services.exchange.api import bare_app
from services.exchange.flow import open_world
from services.exchange.store import load_tape
from shared.errors import BadInput, BrokerRefused
from tests.exchange.conftest import serving

DAY = date(2026, 6, 15)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("played")
    synthesize(folder, seed=5, names=40)
    return folder


@pytest.fixture(scope="module")
def url(played: Path) -> Iterator[str]:
    with serving(bare_app(open_world(played, start="23:59"))) as address:
        yield address


def order(url: str, first: date = DAY, last: date = DAY) -> Recording:
    return Recording(
        first, last, data_url=url, trading_url=url, include_inactive=True, per_minute=60_000, history_days=300
    )


def test_a_recording_of_a_tape_is_that_tape(played: Path, url: str, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    universe = pl.read_parquet(played / "universe.parquet")
    sectors = {row[0]: (row[3], row[4], row[5]) for row in universe.iter_rows()}
    manifest = record(
        tmp_path / "tape",
        order(url),
        key="K",
        secret="S",
        sectors=sectors,
        progress=lambda stage, done: told.append((stage, done)),
    )
    keys = {"universe": ["symbol"], "daily": ["symbol", "date"], "bars": ["symbol", "start"], "news": ["id"]}
    for table in TABLES:
        ours, theirs = (pl.read_parquet(path / f"{table}.parquet") for path in (tmp_path / "tape", played))
        assert_frame_equal(ours.sort(keys[table]), theirs.sort(keys[table]), check_exact=True)
    assert (manifest["sessions"], manifest["bar_minutes"]) == (["2026-06-15"], 1)
    assert not (tmp_path / "tape" / ".parts").exists()
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert told[-1] == ("done", 1.0)
    assert len(load_tape(tmp_path / "tape").bars.time) == manifest["bars"]


def test_a_recording_that_was_cut_off_goes_on(url: str, tmp_path: Path) -> None:
    class Cut(Exception):
        pass

    def cut(stage: str, _done: float) -> None:
        if stage == "news":
            raise Cut

    folder, ask = tmp_path / "tape", order(url)
    with pytest.raises(Cut):
        record(folder, ask, key="K", secret="S", progress=cut)
    assert not (folder / "manifest.json").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in (folder / ".parts").glob("bars-*.parquet")}
    assert kept
    seen: list[dict[str, int]] = []
    record(
        folder,
        ask,
        key="K",
        secret="S",
        progress=lambda stage, _: (
            seen.append({path.name: path.stat().st_mtime_ns for path in (folder / ".parts").glob("bars-*.parquet")})
            if stage == "writing"
            else None
        ),
    )
    assert seen == [kept]
    assert json.loads((folder / "manifest.json").read_text())["bars"] > 0


def test_another_order_does_not_use_the_old_parts(tmp_path: Path) -> None:
    first = Parts(tmp_path, order("http://a"))
    first.put("universe-0", "universe", [])
    assert Parts(tmp_path, order("http://a")).has("universe-0")
    assert not Parts(tmp_path, order("http://b")).has("universe-0")


def test_refusals_are_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no trading day"):
        record(tmp_path, order(url, date(2026, 6, 13), date(2026, 6, 14)), key="K", secret="S")
    with pytest.raises(BrokerRefused) as refused:
        record(tmp_path, order(url), key="", secret="")
    assert refused.value.status == 401
