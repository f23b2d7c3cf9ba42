"""The operator's first morning: the guide's own curl and psql lines, and the runbook's, pasted into bash while every
service runs: bound to loopback, and bound as Docker Compose binds it. No line carries a key."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from config.services import SERVICES
from scripts.child import inherited
from scripts.local import LocalSystem
from scripts.tapes.synthesize import synthesize
from tests import compose

DAY = date(2026, 6, 15)
MISSING = [tool for tool in ("bash", "curl", "jq") if shutil.which(tool) is None]
typed = pytest.mark.skipif(bool(MISSING), reason=f"NOT TESTED AS TYPED: {', '.join(MISSING)} NOT INSTALLED HERE")
pytestmark = pytest.mark.asyncio(loop_scope="module")
RUNBOOK = Path(__file__).parents[2] / "Documentation" / "Operations" / "RUNBOOK.md"
BOUND = ("CATALYST_BIND", "CATALYST_TRUST", "CATALYST_PUBLISH", "CATALYST_API_KEY")
# A refusal is an error, as `-f` has it; the lines stay as printed.
CURL = 'curl() { command curl -fsS "$@"; }'

OPEN_CYCLE = """curl -s -X POST http://localhost:5007/api/v1/cycles \\
  -H "Content-Type: application/json" \\
  -d '{"mode": "normal", "max_positions": 5, "max_daily_loss": 2000.0, "scan_frequency": 300}' | jq '.'"""
SCAN = "curl -s -X POST http://localhost:5001/api/v1/scan | jq '.'"
VALIDATE = """curl -s -X POST http://localhost:5005/api/v1/risk/validate \\
  -H "Content-Type: application/json" \\
  -d '{
    "symbol": "TSLA",
    "side": "long",
    "quantity": 10,
    "price": 250.00,
    "cycle_id": "'$CYCLE_ID'"
  }' | jq '.'"""
THE_CYCLE = "SELECT cycle_id, mode, status, started_at FROM trading_cycles WHERE cycle_id = '$CYCLE_ID';"
THE_RESULTS = """SELECT id, rank, price, volume, composite_score
FROM scan_results WHERE cycle_id = '$CYCLE_ID' ORDER BY rank LIMIT 5;"""
SCORED = """SELECT symbol, composite_score FROM scan_results
WHERE cycle_id = '$CYCLE_ID' AND composite_score IS NOT NULL ORDER BY composite_score DESC, symbol;"""
CYCLES = """SELECT cycle_id, mode, status, started_at, stopped_at, (stopped_at - started_at) as duration
FROM trading_cycles ORDER BY started_at DESC LIMIT 10;"""
POSITIONS = """SELECT COUNT(*) as total_positions,
    SUM(CASE WHEN realized_pnl > 0 THEN 1 ELSE 0 END) as winners,
    SUM(CASE WHEN realized_pnl < 0 THEN 1 ELSE 0 END) as losers,
    ROUND(AVG(realized_pnl), 2) as avg_pnl,
    ROUND(SUM(realized_pnl), 2) as total_pnl
FROM positions WHERE status = 'closed' AND DATE(entry_time) >= CURRENT_DATE - INTERVAL '7 days';"""


@dataclass(frozen=True)
class Terminal:
    """A shell beside the running system. The guide's ports are put where this run has them."""

    urls: Mapping[str, str]
    database_url: str
    cycle_id: str = ""

    def here(self, line: str) -> str:
        """`line` with this run's ports."""
        ports = {str(service.port): self.urls[service.name].rsplit(":", 1)[1] for service in SERVICES}
        return re.sub(r"\b5\d{3}\b", lambda found: ports.get(found[0], found[0]), line)

    async def paste(self, line: str) -> str:
        """What bash prints for `line`; it must end well and say nothing on stderr."""
        environment = {"PATH": inherited()["PATH"], "DATABASE_URL": self.database_url, "CYCLE_ID": self.cycle_id}
        command = ["bash", "-o", "pipefail", "-c", f"{CURL}\n{self.here(line)}"]
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    async def json(self, line: str) -> Any:
        return json.loads(await self.paste(line))

    async def rows(self, sql: str) -> list[dict[str, str]]:
        """The rows of `sql` as text by column: through psql as the guide does, without it through the driver."""
        if shutil.which("psql"):
            printed = await self.paste(f'psql $DATABASE_URL --csv -c "\n{sql}\n"')
            head, *lines = printed.splitlines()
            return [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]
        link = await asyncpg.connect(self.database_url)
        try:
            found = await link.fetch(sql.replace("$CYCLE_ID", self.cycle_id))
        finally:
            await link.close()
        return [{key: "" if value is None else str(value) for key, value in row.items()} for row in found]


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market of 500 names with the famous ones among them."""
    folder = tmp_path_factory.mktemp("guide") / "tape"
    synthesize(folder, seed=5, first=DAY, names=500)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["loopback", "compose"])
async def system(request: pytest.FixtureRequest, tape: Path, server_folder: Path) -> AsyncIterator[LocalSystem]:
    """Every service, supervised, at ten in the morning."""
    folder = server_folder / f"guide-{request.param}"
    composed = compose.environment("workflow")
    bound = {name: composed[name] for name in BOUND} if request.param == "compose" else {}
    environment = bound | {
        "EXCHANGE_TAPE": str(tape),
        "EXCHANGE_DATE": str(DAY),
        "EXCHANGE_START": "10:00",
        "EXCHANGE_CLOCK": "run",
        "EXCHANGE_JOURNAL": str(folder / "exchange.jsonl"),
        "TRADING_SESSION_MODE": "supervised",
        "ENABLE_AUTONOMOUS_TRADING": "false",
        "ENABLE_EMAIL_ALERTS": "false",
    }
    async with LocalSystem(folder, environment=environment, say=lambda _text: None) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(system: LocalSystem) -> dict[str, Any]:
    """The answer to the guide's first step; without curl the same request from Python."""
    if not MISSING:
        answer: dict[str, Any] = await Terminal(system.urls, system.database_url).json(OPEN_CYCLE)
        return answer
    limits = {"mode": "normal", "max_positions": 5, "max_daily_loss": 2000.0, "scan_frequency": 300}
    return await _post(f"{system.urls['workflow']}/api/v1/cycles", limits)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def terminal(system: LocalSystem, opened: dict[str, Any]) -> Terminal:
    """The shell after `CYCLE_ID=` was set from that answer."""
    return Terminal(system.urls, system.database_url, opened["cycle_id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scanned(system: LocalSystem, terminal: Terminal) -> dict[str, Any]:
    """The answer to the second step."""
    if not MISSING:
        answer: dict[str, Any] = await terminal.json(SCAN)
        return answer
    return await _post(f"{system.urls['scanner']}/api/v1/scan", None)


async def _post(url: str, body: dict[str, Any] | None) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=120, trust_env=False) as http:
        answer: dict[str, Any] = (await http.post(url, json=body)).raise_for_status().json()
    return answer


@typed
async def test_every_port_answers_that_it_is_healthy(terminal: Terminal) -> None:
    names = [service.name for service in SERVICES]
    ports = " ".join(str(service.port) for service in SERVICES)
    loop = f"""for port in {ports}; do
    curl -s http://localhost:$port/health | jq -c '{{status, service}}'
done"""
    printed = [json.loads(line) for line in (await terminal.paste(loop)).splitlines()]
    assert printed == [{"status": "healthy", "service": name} for name in names]
    for port, name in ((5001, "scanner"), (5007, "workflow"), (5005, "risk-manager"), (5006, "trading")):
        body = await terminal.json(f"curl -s http://localhost:{port}/health")
        assert (body["status"], body["service"]) == ("healthy", name)
        assert body["version"]


async def test_a_cycle_is_opened_by_hand(opened: dict[str, Any]) -> None:
    assert re.fullmatch(r"20260615-10\d{4}", opened["cycle_id"])
    assert opened["mode"] == "normal"


async def test_a_scan_names_its_picks(scanned: dict[str, Any], terminal: Terminal) -> None:
    assert scanned["success"] is True
    assert scanned["cycle_id"] == terminal.cycle_id
    assert scanned["candidates"] == len(scanned["picks"]) == 5


@typed
async def test_candidates_and_the_cycle_are_shown(scanned: dict[str, Any], terminal: Terminal) -> None:
    shown = await terminal.json('curl -s "http://localhost:5001/api/v1/candidates?cycle_id=$CYCLE_ID" | jq "."')
    assert {pick["symbol"] for pick in scanned["picks"]} <= {one["symbol"] for one in shown["candidates"]}
    cycle = await terminal.json("curl -s \"http://localhost:5007/api/v1/cycles/$CYCLE_ID\" | jq '.'")
    assert cycle["cycle_id"] == terminal.cycle_id
    assert [scan["scan"] for scan in cycle["scans"]] == [scanned["scan"]]


async def test_the_database_knows_the_cycle_and_its_results(scanned: dict[str, Any], terminal: Terminal) -> None:
    (cycle,) = await terminal.rows(THE_CYCLE)
    assert (cycle["cycle_id"], cycle["mode"]) == (terminal.cycle_id, "normal")
    results = await terminal.rows(THE_RESULTS)
    assert [row["rank"] for row in results] == ["1", "2", "3", "4", "5"]
    assert all(float(row["price"]) > 0 and int(row["volume"]) > 0 for row in results)
    scores = {row["id"]: row["composite_score"] for row in results}
    assert all(text == "" or 0 <= float(text) <= 1 for text in scores.values())
    stored = await terminal.rows(SCORED)
    assert [row["symbol"] for row in stored[:5]] == [pick["symbol"] for pick in scanned["picks"]]


@typed
async def test_ten_tesla_at_250_are_approved_and_risk_fifty_dollars(terminal: Terminal) -> None:
    answer = await terminal.json(VALIDATE)
    assert answer["approved"] is True
    assert answer["risk_amount"] == 50.00
    assert 0 < answer["risk_score"] < 1
    assert answer["reason"] == "Risk within limits"


async def test_the_performance_queries_run(scanned: dict[str, Any], terminal: Terminal) -> None:
    cycles = await terminal.rows(CYCLES)
    assert cycles[0]["cycle_id"] == scanned["cycle_id"]
    assert list(cycles[0]) == ["cycle_id", "mode", "status", "started_at", "stopped_at", "duration"]
    (positions,) = await terminal.rows(POSITIONS)
    assert positions["total_positions"] == "0"


@typed
@pytest.mark.parametrize(
    "line",
    [
        "curl -X POST http://localhost:5005/api/v1/risk/test-alert",
        "curl http://localhost:5006/api/v1/positions?status=open",
        "curl http://localhost:5007/health | jq '.mode'",
        "curl http://localhost:5001/api/v1/candidates  # View candidates",
        "curl -X POST http://localhost:5006/api/v1/positions/close-all",
        """curl -X POST http://localhost:5006/api/v1/positions/close-all -d '{"reason":"x"}'""",
        """curl -X POST http://localhost:5006/api/v1/positions/close-all -d '{"reason":"News feed went mad!"}'""",
        "curl http://localhost:5006/metrics",
        "curl -I http://localhost:5006/health",
    ],
)
async def test_what_the_guide_prints_is_answered(scanned: dict[str, Any], terminal: Terminal, line: str) -> None:
    assert await terminal.paste(line)


@typed
async def test_the_crontab_of_guide_and_runbook_trades_the_day(
    scanned: dict[str, Any], terminal: Terminal, tmp_path: Path
) -> None:
    log = tmp_path / "catalyst-cron.log"
    await terminal.paste("curl -X POST http://localhost:5007/api/v1/workflow/stop")
    typed_json = """-H "Content-Type: application/json" -d '{"mode":"autonomous"}' >> /var/log/catalyst-cron.log 2>&1"""
    lines = [
        f"30 9 * * 1-5 curl -X POST http://localhost:5007/api/v1/workflow/start {typed_json}",
        """30 21 * * 1-5 curl -X POST http://localhost:5007/api/v1/workflow/start -d '{"mode":"autonomous"}'""",
        *re.findall(r"^[\d*]+ [\d*]+ \* \* 1-5 curl .*$", RUNBOOK.read_text(), re.MULTILINE),
    ]
    assert len(lines) == 4
    for line in lines:
        await terminal.paste(line.split(" ", 5)[5].replace("/var/log/catalyst-cron.log", str(log)))
    assert "cycle_id" in log.read_text()
    status = await terminal.json("curl http://localhost:5007/api/v1/workflow/status")
    assert status["cycle"]["driven_by"] == "schedule"


async def test_every_post_reads_json_that_curl_calls_a_form(system: LocalSystem) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    tried = 0
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        for name in sorted(system.urls.keys() - {"exchange"}):  # which answers as Alpaca does
            url = system.urls[name]
            paths = (await http.get(f"{url}/openapi.json")).json()["paths"]
            for path in [path for path, verbs in paths.items() if "requestBody" in verbs.get("post", {})]:
                filled = re.sub(r"{[^}]*}", "AAPL", path)
                answer = await http.post(url + filled, content='{"no_such_field":1}', headers=form)
                assert answer.status_code == 422, (name, path, answer.text)
                assert answer.json()["field"] != "body", (name, path, answer.text)
                tried += 1
    assert tried > 12


@typed
async def test_the_runbooks_lines_run_as_they_stand(scanned: dict[str, Any], terminal: Terminal) -> None:
    lines = re.findall(r"^curl .*$", RUNBOOK.read_text(), re.MULTILINE)
    assert len(lines) > 4
    for line in sorted(dict.fromkeys(lines), key=lambda line: "emergency-stop" in line):
        assert await terminal.paste(line)
    halted = await terminal.json("curl http://localhost:5005/api/v1/risk/status | jq '.'")
    assert halted["halt"]["reason"] == "news feed went mad"
