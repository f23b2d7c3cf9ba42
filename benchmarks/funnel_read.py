"""The recorded days as the system judged them, to be read by eye. Run: `make funnel-read`.

Each session is played through the real services, supervised, with a scan at three times of the day. Printed are the
funnel's counts, the best by composite score with every stage's reason, and what the price did afterwards, which the
system did not know.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.recorded import DAYS, sessions_of
from scripts.local import LocalSystem
from services.exchange.rules.tape import Tape
from services.exchange.store import load_tape

FIRST_AT, LATER_AT = "10:05", ("11:30", "14:00")
SHOWN, COMPONENTS = 8, 6
LATER_MINUTES = 60


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")


async def read_day(day: date) -> None:
    """Three scans of one session."""
    folder = Path(tempfile.mkdtemp(prefix="catalyst-funnel-"))
    environment = {
        "EXCHANGE_TAPE": str(DAYS.absolute()),
        "EXCHANGE_DATE": str(day),
        "EXCHANGE_START": FIRST_AT,
        "LOG_LEVEL": "WARNING",
    }
    tape = load_tape(DAYS, day)
    try:
        async with (
            LocalSystem(folder, environment=environment) as system,
            httpx.AsyncClient(timeout=120, trust_env=False) as http,
        ):
            desk = Desk(http, system.urls)
            body = {"mode": "normal", "max_positions": 5, "max_daily_loss": 2000.0, "scan_frequency": 300}
            cycle = await desk.post("workflow", "/api/v1/cycles", body)
            for wall in (FIRST_AT, *LATER_AT):
                if wall != FIRST_AT:
                    await desk.advance_to(wall, tape)
                answer = await desk.post("scanner", "/api/v1/scan")
                await show_scan(desk, tape, cycle["cycle_id"], answer, wall)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Desk:
    """The services' doors."""

    def __init__(self, http: httpx.AsyncClient, urls: dict[str, str]) -> None:
        self._http, self._urls = http, urls

    async def get(self, service: str, path: str) -> Any:
        return (await self._http.get(self._urls[service] + path)).raise_for_status().json()

    async def post(self, service: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return (await self._http.post(self._urls[service] + path, json=body or {})).raise_for_status().json()

    async def now(self) -> float:
        return datetime.fromisoformat((await self.get("exchange", "/_sim/clock"))["now"]).timestamp()

    async def advance_to(self, wall: str, tape: Tape) -> None:
        """Step the frozen clock to a time of the day, counted from the opening at 09:30."""
        hour, minute = map(int, wall.split(":"))
        target = tape.session.open + (hour * 60 + minute - 570) * 60
        await self.post("exchange", "/_sim/clock/advance", {"seconds": target - await self.now()})


async def show_scan(desk: Desk, tape: Tape, cycle_id: str, answer: dict[str, Any], wall: str) -> None:
    number = answer["scan"]
    scan = await desk.get("workflow", f"/api/v1/cycles/{cycle_id}/scans/{number}")
    say(f"\n===== {tape.session.day} {wall}  {' -> '.join(f'{k} {v}' for k, v in _counts(scan['funnel']))}")
    found = await desk.get("scanner", f"/api/v1/candidates?cycle_id={cycle_id}&scan={number}&limit=200")
    counted = sorted(found["dropped"].items(), key=lambda one: (-one[1], one[0]))
    say("  dropped: " + ", ".join(f"{why} {count}" for why, count in counted))
    picked = {pick["symbol"]: pick for pick in answer["picks"]}
    best = sorted(
        (row for row in found["candidates"] if row["composite_score"] is not None or row["symbol"] in picked),
        key=lambda row: (row["symbol"] not in picked, -(row["composite_score"] or 0.0), row["symbol"]),
    )
    now = await desk.now()
    for row in best[:SHOWN]:
        await show_symbol(desk, tape, cycle_id, number, row, picked.get(row["symbol"]), now)


def _counts(funnel: dict[str, Any]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in funnel.items() if isinstance(count, int)]


async def show_symbol(
    desk: Desk, tape: Tape, cycle_id: str, number: int, row: dict[str, Any], pick: dict[str, Any] | None, now: float
) -> None:
    symbol, asset = row["symbol"], tape.asset(row["symbol"])
    name, cap = (asset.name[:40], asset.market_cap / 1e6) if asset else ("", 0.0)
    say(
        f"\n  {'PICK' if pick else '    '} {symbol:<6} {name} ({row['sector']}, {cap:,.0f} m)  {row['price']:.2f}"
        f"  {row['change_pct']:+.1f} % (gap {row['gap_pct']:+.1f}), rvol {row['rvol']:.1f},"
        f" {row['dollar_volume'] / 1e6:,.1f} m USD so far, rank {row['rank']}"
    )
    parts = ", ".join(
        f"{part} {row[f'{part}_score']:.2f}"
        for part in ("composite", "news", "pattern", "technical", "momentum", "volume")
        if row.get(f"{part}_score") is not None
    )
    say(f"       {parts}; {row['outcome'] or ''}; {afterwards(tape, symbol, row['price'], now)}")
    story = await desk.get("workflow", f"/api/v1/cycles/{cycle_id}/explain/{symbol}")
    for stage in story["scans"].get(str(number), ()):
        if stage["stage"] != "universe":
            say(f"       {stage['stage']:<10}{'' if stage['passed'] else 'OUT '}{stage['reason']}{_parts(stage)}")


def _parts(stage: dict[str, Any]) -> str:
    told = [one for one in stage.get("components", ()) if one["value"] is not None][:COMPONENTS]
    return "  [" + ", ".join(f"{one['name']} {one['value']:.3g}" for one in told) + "]" if told else ""


def afterwards(tape: Tape, symbol: str, price: float, now: float) -> str:
    """Price moves from the scan on, in percent: after an hour, the best and worst until the close, and the close."""
    low, high = tape.bars.rows(tape.index[symbol])
    rows = [place for place in range(low, high) if tape.bars.time[place] >= now - 1]
    if not rows:
        return "never traded again"
    hour = [place for place in rows if tape.bars.time[place] < now + LATER_MINUTES * 60]
    moves = {
        "an hour later": tape.bars.close[hour[-1]] if hour else price,
        "best": max(_of(tape.bars.high, rows)),
        "worst": min(_of(tape.bars.low, rows)),
        "close": tape.bars.close[rows[-1]],
    }
    return "then " + ", ".join(f"{what} {(float(value) / price - 1) * 100:+.1f} %" for what, value in moves.items())


def _of(column: Any, rows: Iterable[int]) -> list[float]:
    return [float(column[place]) for place in rows]


async def main() -> None:
    """Every session of the tape, one after the other."""
    if not DAYS.is_dir():
        say("the recorded market is not at hand; nothing to read")
        return
    for day in sessions_of(DAYS):
        await read_day(day)


if __name__ == "__main__":
    asyncio.run(main())
