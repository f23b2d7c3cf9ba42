"""One full scan through the real services, against the same steps written the usual way. Run: `make bench`.

From `POST /scan` at the scanner to the last bracket acknowledged and everything stored, over HTTP and SQL, the time
that the simulated exchange itself worked taken off on both sides. Prints medians and two ratios from one run.
"""

import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import yaml

from benchmarks import usual_way
from scripts.local import LocalSystem
from scripts.tapes.synthesize import synthesize

RECORDED = Path("../shared/market/2026-06-15_17")
SCANS, STEP_SECONDS, FIRST_AT = 7, 900, "10:00"
REST_SECONDS = 2.0  # risk and trading look at what the step of the clock has brought; no scan of a real day meets that


@dataclass
class Taken:
    """Seconds of one scan: on the wall, the exchange's own, and each stage's milliseconds."""

    wall: float
    exchange: float
    stages: dict[str, float]
    orders: int

    @property
    def own(self) -> float:
        return self.wall - self.exchange


def _config(folder: Path) -> None:
    """Limits wide enough that every scan sends its three brackets."""
    folder.mkdir(parents=True)
    trading = yaml.safe_load(Path("config/trading_config.yaml").read_text())
    risk = yaml.safe_load(Path("config/risk_parameters.yaml").read_text())
    trading["session"]["mode"], trading["workflow"]["auto_execute"] = "autonomous", True
    trading["risk"] |= {"max_positions": 50, "max_sector_exposure_pct": 100}
    trading["funnel"] |= {"min_composite_score": 0.0}
    risk["position_limits"] |= {"max_positions": 50, "max_total_exposure": 250000.0}
    risk["sector_limits"]["max_exposure_pct"] = 100
    risk["correlation"]["check_enabled"] = False
    (folder / "trading_config.yaml").write_text(yaml.safe_dump(trading))
    (folder / "risk_parameters.yaml").write_text(yaml.safe_dump(risk))


async def _stats(http: httpx.AsyncClient, urls: dict[str, str]) -> float:
    return float((await http.get(f"{urls['exchange']}/_sim/stats")).json()["busy_seconds"])


async def _services(http: httpx.AsyncClient, urls: dict[str, str], cycle_id: str) -> Taken:
    busy, started = await _stats(http, urls), time.perf_counter()
    answer = (await http.post(f"{urls['scanner']}/api/v1/scan")).raise_for_status().json()
    wall = time.perf_counter() - started
    exchange = await _stats(http, urls) - busy
    scan = (await http.get(f"{urls['workflow']}/api/v1/cycles/{cycle_id}/scans/{answer['scan']}")).json()
    sent = sum(1 for pick in answer["picks"] if pick.get("outcome") == "order")
    return Taken(wall, exchange, scan["stage_ms"], sent)


@dataclass
class Usual:
    """Seconds of one scan the usual way, the exchange's own time taken off: with and without the market's history."""

    whole: float
    kept: float
    sdk_whole: float
    sdk_kept: float
    stages: dict[str, float]


async def _usual(
    http: httpx.AsyncClient, urls: dict[str, str], connection: asyncpg.Connection, symbols: list[str], now: datetime
) -> Usual:
    busy = await _stats(http, urls)
    usual = await usual_way.scan(urls["exchange"], connection, symbols, now, f"USUAL-{now:%H%M}")
    exchange = await _stats(http, urls) - busy
    stages = {name: seconds * 1000 for name, seconds in usual.steps.items()}
    # The exchange's share of the history is not told apart: all of it is taken off both sides of the smaller figure,
    # in proportion to the time in alpaca-py's calls.
    share = 1 - exchange / usual.sdk
    kept = usual.total - usual.steps["history"] - exchange * (1 - usual.history_sdk / usual.sdk)
    return Usual(usual.total - exchange, kept, usual.sdk * share, (usual.sdk - usual.history_sdk) * share, stages)


async def measure(tape: Path, day: str) -> None:
    """Warm up with one scan, then measure both ways at the same market times."""
    folder = Path(tempfile.mkdtemp(prefix="catalyst-bench-"))
    _config(folder / "config")
    environment = {
        "EXCHANGE_TAPE": str(tape),
        "EXCHANGE_DATE": day,
        "EXCHANGE_START": FIRST_AT,
        "CONFIG_FOLDER": str(folder / "config"),
        "ENABLE_AUTONOMOUS_TRADING": "true",
        "LOG_LEVEL": "WARNING",
    }
    ours, usual = list[Taken](), list[Usual]()
    try:
        async with (
            LocalSystem(folder / "run", environment=environment) as system,
            httpx.AsyncClient(timeout=120, trust_env=False) as http,
        ):
            urls = system.urls
            body: dict[str, Any] = {
                "mode": "normal",
                "max_positions": 50,
                "max_daily_loss": 2000.0,
                "scan_frequency": 300,
            }
            cycle = (await http.post(f"{urls['workflow']}/api/v1/cycles", json=body)).raise_for_status().json()
            connection = await asyncpg.connect(system.admin_database_url)
            await connection.execute(usual_way.TABLES)
            rows = await connection.fetch("SELECT symbol FROM securities WHERE is_active ORDER BY symbol")
            symbols = [row["symbol"] for row in rows]
            for number in range(SCANS + 1):
                clock = (await http.get(f"{urls['exchange']}/_sim/clock")).json()
                taken = await _services(http, urls, cycle["cycle_id"])
                other = await _usual(http, urls, connection, symbols, datetime.fromisoformat(clock["now"]))
                if number:
                    ours.append(taken)
                    usual.append(other)
                step = await http.post(f"{urls['exchange']}/_sim/clock/advance", json={"seconds": STEP_SECONDS})
                step.raise_for_status()
                await asyncio.sleep(REST_SECONDS)
            await connection.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _print(tape, day, len(symbols), ours, usual)


def _print(tape: Path, day: str, universe: int, ours: list[Taken], usual: list[Usual]) -> None:
    say, median = sys.stdout.write, statistics.median
    mine = median(t.own for t in ours)
    sent = median(t.orders for t in ours)
    say(f"tape {tape.name} {day}, {universe:,} names, {len(ours)} scans each, medians; exchange's own time taken off\n")
    say(f"services, all HTTP hops and SQL        {mine * 1000:8.0f} ms   ({sent:.0f} brackets a scan)\n")
    say(f"  with the exchange's time             {median(t.wall for t in ours) * 1000:8.0f} ms\n")
    for stage in ours[0].stages:
        say(f"  {stage:<12} with the exchange's   {median(t.stages.get(stage, 0.0) for t in ours):8.0f} ms\n")
    rows = {
        "the usual way": [u.whole for u in usual],
        "the usual way, history kept": [u.kept for u in usual],
        "its alpaca-py calls alone": [u.sdk_whole for u in usual],
        "alpaca-py alone, history kept": [u.sdk_kept for u in usual],
    }
    for stage in usual[0].stages:
        say(f"  usual {stage:<12}                   {median(u.stages[stage] for u in usual):8.0f} ms\n")
    for name, taken in rows.items():
        say(f"{name:<32}{median(taken) * 1000:14.0f} ms   ratio {median(taken) / mine:6.1f}\n")


def main() -> None:
    """Measure on the recorded market where it is at hand, else on an invented one."""
    if RECORDED.is_dir():
        asyncio.run(measure(RECORDED.absolute(), "2026-06-16"))
        return
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder) / "tape")
        asyncio.run(measure(Path(folder) / "tape", "2026-06-15"))


if __name__ == "__main__":
    main()
