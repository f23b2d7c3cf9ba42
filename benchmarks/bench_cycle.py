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
    sent = sum(1 for pick in answer["picks"] if pick.get("outcome") == "ordered")
    return Taken(wall, exchange, scan["stage_ms"], sent)


async def _usual(
    http: httpx.AsyncClient, urls: dict[str, str], connection: asyncpg.Connection, symbols: list[str], now: datetime
) -> tuple[Taken, float]:
    busy = await _stats(http, urls)
    usual = await usual_way.scan(urls["exchange"], connection, symbols, now, f"USUAL-{now:%H%M}")
    exchange = await _stats(http, urls) - busy
    sdk = usual.sdk - exchange
    return Taken(usual.total, exchange, {k: v * 1000 for k, v in usual.steps.items()}, usual.sent), sdk


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
    ours, usual, sdk = list[Taken](), list[Taken](), list[float]()
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
                other, inside = await _usual(http, urls, connection, symbols, datetime.fromisoformat(clock["now"]))
                if number:
                    ours.append(taken)
                    usual.append(other)
                    sdk.append(inside)
                step = await http.post(f"{urls['exchange']}/_sim/clock/advance", json={"seconds": STEP_SECONDS})
                step.raise_for_status()
            await connection.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _print(tape, day, len(symbols), ours, usual, sdk)


def _print(tape: Path, day: str, universe: int, ours: list[Taken], usual: list[Taken], sdk: list[float]) -> None:
    say = sys.stdout.write
    mine, theirs = statistics.median(t.own for t in ours), statistics.median(t.own for t in usual)
    inside = statistics.median(sdk)
    say(f"tape {tape.name} {day}, {universe:,} names, {len(ours)} scans each, medians; exchange's own time taken off\n")
    sent = statistics.median(t.orders for t in ours)
    say(f"services, all HTTP hops and SQL     {mine * 1000:8.0f} ms   ({sent:.0f} brackets a scan)\n")
    wall = statistics.median(t.wall for t in ours)
    say(f"  with the exchange's time          {wall * 1000:8.0f} ms\n")
    for stage in ours[0].stages:
        say(f"  {stage:<12} {statistics.median(t.stages.get(stage, 0.0) for t in ours):8.0f} ms\n")
    say(f"the usual way                       {theirs * 1000:8.0f} ms\n")
    for stage in usual[0].stages:
        say(f"  {stage:<12} {statistics.median(t.stages.get(stage, 0.0) for t in usual):8.0f} ms\n")
    say(f"its alpaca-py calls alone           {inside * 1000:8.0f} ms\n")
    say(f"ratio against the usual way         {theirs / mine:8.1f}\n")
    say(f"ratio against its alpaca-py calls   {inside / mine:8.1f}\n")


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
