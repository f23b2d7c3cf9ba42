"""The emergency stop: five bracketed positions, from the POST until flat was verified at the broker. Run: `make bench`
or `make bench-stop`.

Real services as processes of their own (exchange, trading, risk manager) with the exchange's default latencies (50 ms
to acknowledge, 100 ms to fill, 500 ms to cancel) and its clock at the wall's pace. Prints p50 and p99 in wall time, and
in exchange time between the halt's two stamps. Then, once each: the requests that reach the exchange in a minute while
one of five names is halted and cannot be sold, and how long the close of one name takes while another's look-ups hang.
The last line is one JSON object of the figures.
"""

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import yaml

from scripts.local import LocalSystem
from scripts.tapes.synthesize import synthesize
from shared.domain.cycle import DecideRequest
from shared.domain.evidence import Scored

WATCHED_SECONDS, COUNTED = 130, 100_000
RUNS, POSITIONS, CANDIDATES, DAY = 24, 5, 20, date(2026, 6, 15)
CYCLE = "20260615-100000"
KEYS = {"APCA-API-KEY-ID": "SIMULATED", "APCA-API-SECRET-KEY": "SIMULATED"}
OPEN_CYCLE = (
    "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
    " max_daily_loss, scan_frequency_seconds, config_hash, started_at)"
    " VALUES ($1, 'normal', 'supervised', 'running', $2, 'hand', 50, 50000, 1800, 'bench', $3)"
)


@dataclass(frozen=True)
class Stop:
    """Seconds of one stop."""

    wall: float
    exchange: float


def _config(folder: Path) -> None:
    """Five entries are always allowed, and a halt can be released at once."""
    folder.mkdir(parents=True)
    trading = yaml.safe_load(Path("config/trading_config.yaml").read_text())
    risk = yaml.safe_load(Path("config/risk_parameters.yaml").read_text())
    trading["risk"] |= {"max_positions": 50, "max_sector_exposure_pct": 100, "max_daily_loss": 50000}
    risk["daily_limits"]["max_loss"] = 50000
    risk["position_limits"] |= {"max_positions": 50, "max_total_exposure": 250000.0}
    risk["sector_limits"]["max_exposure_pct"] = 100
    risk["correlation"]["check_enabled"] = False
    risk["entry"] |= {"loss_cooldown_minutes": 0, "max_spread_pct": 5.0, "last_minutes_without_entries": 0}
    risk["emergency_actions"]["cooldown_period_minutes"] = 0
    (folder / "trading_config.yaml").write_text(yaml.safe_dump(trading))
    (folder / "risk_parameters.yaml").write_text(yaml.safe_dump(risk))


async def _names(http: httpx.AsyncClient, exchange: str) -> dict[str, float]:
    """Symbols of middling price, and their price."""
    listed = [one["symbol"] for one in (await http.get(f"{exchange}/v2/assets", headers=KEYS)).json()]
    path = f"{exchange}/v2/stocks/trades/latest"
    told = (await http.get(path, params={"symbols": ",".join(listed)}, headers=KEYS)).json()["trades"]
    fit = {symbol: row["p"] for symbol, row in sorted(told.items()) if 20 <= row["p"] <= 300}
    return dict(list(fit.items())[:CANDIDATES])


async def _buy(http: httpx.AsyncClient, urls: dict[str, str], names: dict[str, float], scan: int) -> None:
    """Five approved brackets, sent, filled, and covered by their stops."""
    candidates = tuple(
        Scored(
            symbol=symbol, rank=rank, price=price, composite_score=0.8, parts={"news": 0.8}, weights={"news": 1.0},
            sector=f"sector of {symbol}", average_volume=1e7, spread_pct=0.02,
        )
        for rank, (symbol, price) in enumerate(names.items(), 1)
    )  # fmt: skip
    request = DecideRequest(
        cycle_id=CYCLE, scan=scan, as_of=datetime(2026, 6, 15, 14, tzinfo=UTC), size_factor=1, approve_max=POSITIONS,
        candidates=candidates,
    )  # fmt: skip
    said = await _post(http, f"{urls['risk-manager']}/api/v1/risk/decide", request.model_dump(mode="json"))
    orders = [one["order"] for one in said if one["approved"]]
    if len(orders) < POSITIONS:
        raise RuntimeError(f"only {len(orders)} approved: {[one['reason'] for one in said if not one['approved']][:3]}")
    for order in orders:
        await _post(http, f"{urls['trading']}/api/v1/orders", order)
    for _ in range(600):
        held = (await http.get(f"{urls['trading']}/api/v1/positions?status=open")).json()
        covered = [one for one in held if one["protected_quantity"] == one["quantity"]]
        working = (await http.get(f"{urls['trading']}/api/v1/orders?status=open")).json()
        if len(covered) == POSITIONS and not any(one["purpose"] == "entry" for one in working):
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"not all filled and covered within a minute: {held}")


async def _post(http: httpx.AsyncClient, url: str, body: Any) -> Any:
    return (await http.post(url, json=body)).raise_for_status().json()


async def _stop(http: httpx.AsyncClient, urls: dict[str, str]) -> Stop:
    """From the POST to the word that everything is flat; the exchange's own listing must agree."""
    begun = time.perf_counter()
    await _post(http, f"{urls['risk-manager']}/api/v1/risk/emergency-stop", {"reason": "bench"})
    while not (halt := (await http.get(f"{urls['risk-manager']}/api/v1/risk/status")).json()["halt"])["flat_at"]:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.01)
    wall = time.perf_counter() - begun
    for what in ("positions", "orders?status=open"):
        left = (await http.get(f"{urls['exchange']}/v2/{what}", headers=KEYS)).json()
        if left:
            raise RuntimeError(f"told flat, but the exchange lists {left}")
    took = datetime.fromisoformat(halt["flat_at"]) - datetime.fromisoformat(halt["latched_at"])
    await _post(http, f"{urls['risk-manager']}/api/v1/risk/resume", {"reason": "bench"})
    return Stop(wall, took.total_seconds())


async def _spoil(http: httpx.AsyncClient, exchange: str, *faults: dict[str, Any]) -> None:
    """These faults of the exchange in place of those before."""
    (await http.delete(f"{exchange}/_sim/faults")).raise_for_status()
    if faults:
        (await http.post(f"{exchange}/_sim/faults", json=list(faults))).raise_for_status()


async def _remaining(http: httpx.AsyncClient, exchange: str) -> int:
    """Requests that the account has left in this minute of the exchange's time; asking is one of them."""
    return int((await http.get(f"{exchange}/v2/account", headers=KEYS)).headers["X-RateLimit-Remaining"])


async def _requests_while_halted(http: httpx.AsyncClient, urls: dict[str, str]) -> int:
    """The most requests in one minute of an emergency in which one name is halted, our own looks taken off; ends
    flat.
    """
    held = (await http.get(f"{urls['trading']}/api/v1/positions?status=open")).json()
    await _post(http, f"{urls['exchange']}/_sim/settings", {"trading_requests_per_minute": COUNTED})
    await _spoil(http, urls["exchange"], {"kind": "halt", "symbol": held[0]["symbol"]})
    bought = before = COUNTED - await _remaining(http, urls["exchange"])
    await _post(http, f"{urls['risk-manager']}/api/v1/risk/emergency-stop", {"reason": "bench"})
    most = looks = 0
    give_up = time.perf_counter() + WATCHED_SECONDS
    while time.perf_counter() < give_up:
        await asyncio.sleep(1)
        spent = COUNTED - await _remaining(http, urls["exchange"])
        if spent < before:  # a new minute
            looks = bought = 0
        looks, before = looks + 1, spent
        most = max(most, spent - looks - bought)
    await _spoil(http, urls["exchange"])
    await _until_flat(http, urls)
    return most


async def _close_beside_a_hang(http: httpx.AsyncClient, urls: dict[str, str]) -> float:
    """Seconds until one name is closed while each look-up of another's order hangs."""
    held = (await http.get(f"{urls['trading']}/api/v1/positions?status=open")).json()
    orders = (await http.get(f"{urls['trading']}/api/v1/orders?symbol={held[0]['symbol']}")).json()
    paths = "|".join(one["broker_order_id"] for one in orders if one["broker_order_id"])
    hang = {"kind": "hang", "match": {"method": "GET", "path": f"/v2/orders/({paths})"}, "seconds": 60}
    await _spoil(http, urls["exchange"], hang)
    closing = asyncio.create_task(http.post(f"{urls['trading']}/api/v1/positions/close-all", json={"reason": "bench"}))
    begun, wanted = time.perf_counter(), {one["symbol"] for one in held[1:]}
    while wanted & {  # noqa: ASYNC110 - nothing tells
        one["symbol"] for one in (await http.get(f"{urls['exchange']}/v2/positions", headers=KEYS)).json()
    }:
        await asyncio.sleep(0.05)
    took = time.perf_counter() - begun
    await _spoil(http, urls["exchange"])
    await closing
    await _until_flat(http, urls)
    return took


async def _until_flat(http: httpx.AsyncClient, urls: dict[str, str]) -> None:
    for _ in range(1200):
        if not (await http.get(f"{urls['exchange']}/v2/positions", headers=KEYS)).json():
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("not flat within two minutes")


async def _resume(http: httpx.AsyncClient, urls: dict[str, str]) -> None:
    while not (await http.get(f"{urls['risk-manager']}/api/v1/risk/status")).json()["halt"]["flat_at"]:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.05)
    await _post(http, f"{urls['risk-manager']}/api/v1/risk/resume", {"reason": "bench"})


async def run(folder: Path, tape: Path, runs: int = RUNS) -> tuple[list[Stop], int, float]:
    """The stops, one after another on one system; requests a minute beside a halt; seconds of a close beside a hang.

    Raises RuntimeError when a stop did not end flat at the exchange.
    """
    _config(folder / "config")
    environment = {
        "EXCHANGE_TAPE": str(tape), "EXCHANGE_DATE": str(DAY), "EXCHANGE_START": "10:00", "EXCHANGE_CLOCK": "run",
        "EXCHANGE_SPEED": "1", "CONFIG_FOLDER": str(folder / "config"), "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    services = ("exchange", "trading", "risk-manager")
    stops = []
    async with (
        LocalSystem(folder / "system", services=services, environment=environment, say=lambda _text: None) as system,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        connection = await asyncpg.connect(system.database_url)
        await connection.execute(OPEN_CYCLE, CYCLE, DAY, datetime(2026, 6, 15, 14, tzinfo=UTC))
        await connection.close()
        names = await _names(http, system.urls["exchange"])
        for number in range(runs):
            await _buy(http, system.urls, names, number)
            stops.append(await _stop(http, system.urls))
        await _buy(http, system.urls, names, runs)
        requests = await _requests_while_halted(http, system.urls)
        await _resume(http, system.urls)
        await _buy(http, system.urls, names, runs + 1)
        beside = await _close_beside_a_hang(http, system.urls)
    return stops, requests, beside


def _quantile(values: list[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="catalyst-stop-"))
    folder.chmod(0o711)
    try:
        synthesize(folder / "tape", seed=11, first=DAY, names=120)
        stops, requests, beside = asyncio.run(run(folder, folder / "tape"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    out = sys.stdout.write
    out(f"emergency stop, {POSITIONS} bracketed positions, {len(stops)} runs, each verified at the exchange\n")
    for name, taken in (("wall", [one.wall for one in stops]), ("exchange", [one.exchange for one in stops])):
        p50, p99 = statistics.median(taken), _quantile(taken, 0.99)
        out(f"{name:>9} time: p50 {p50:.2f} s, p99 {p99:.2f} s, slowest {max(taken):.2f} s\n")
    out(f"one of {POSITIONS} names halted: at most {requests} requests in a minute\n")
    out(f"one of {POSITIONS} names hangs: the others closed in {beside:.2f} s\n")
    wall = [one.wall for one in stops]
    figures = {
        "runs": len(stops), "flat_p50_s": round(statistics.median(wall), 3),
        "flat_p99_s": round(_quantile(wall, 0.99), 3), "requests_per_minute_halted": requests,
        "close_beside_a_hang_s": round(beside, 3),
    }  # fmt: skip
    out(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
