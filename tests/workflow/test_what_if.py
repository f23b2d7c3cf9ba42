"""A real scan through the real services, then tried under other files: by the route, and by an operator's command."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import redis
import yaml

from config.reload import RISK_FILE, TRADING_FILE, read_texts
from scripts.child import inherited
from scripts.embedded import Server
from scripts.tapes.synthesize import synthesize
from tests.workflow.whole import configuration, database, running

ROOT = Path(__file__).parents[2]
NAMES = 400
TAKEN = ("order", "proposal")
Answer = dict[str, Any]


class Asker:
    """Someone at the running system who tries other files."""

    def __init__(self, http: httpx.AsyncClient, urls: dict[str, str], folder: Path) -> None:
        self.http, self.urls, self.folder = http, urls, folder

    async def tries(self, **changes: Any) -> Answer:
        """The whole answer under changes named like `funnel__news`."""
        answer = await self.http.post(f"{self.urls['workflow']}/api/v1/config/try", json={"files": self.texts(changes)})
        found: Answer = answer.raise_for_status().json()
        return found

    async def tries_one(self, **changes: Any) -> Answer:
        """The only scan."""
        (found,) = (await self.tries(**changes))["scans"]
        return dict(found)

    def texts(self, changes: dict[str, Any]) -> dict[str, str]:
        texts = read_texts(self.folder)
        trading = yaml.safe_load(texts[TRADING_FILE])
        for place, value in changes.items():
            section, key = place.split("__")
            trading[section][key] = value
        return texts | {TRADING_FILE: yaml.safe_dump(trading)}

    async def types(self, *words: str) -> tuple[int, str]:
        """Exit code and everything said of a command."""
        told = {"PYTHONPATH": str(ROOT), "CONFIG_FOLDER": str(self.folder), "SERVICE_URLS": json.dumps(self.urls)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scripts.catalyst", *words, cwd=self.folder, env=inherited() | told,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, said.decode()


def differing(scan: Answer) -> dict[str, str]:
    return {one["symbol"]: one["why"] for one in scan["differences"]}


async def test_what_a_scan_would_have_done(
    postgres: Server, template_database: str, valkey: Server, tmp_path: Path
) -> None:
    tape = tmp_path / "tape"
    tape.mkdir()
    synthesize(tape, seed=11, names=NAMES)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    async with (
        database(postgres, template_database, "tried") as url,
        running(url, valkey.url, tape, tmp_path) as urls,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        (await http.post(f"{urls['workflow']}/api/v1/cycles", json={"mode": "normal"})).raise_for_status()
        scan = (await http.post(f"{urls['scanner']}/api/v1/scan")).raise_for_status().json()
        assert len([pick for pick in scan["picks"] if pick["outcome"] in TAKEN]) >= 3, "one that decides nothing"
        asker = Asker(http, urls, configuration(tmp_path / "held"))
        await _equal_files_change_nothing(asker, scan)
        await _cuts_move(asker, scan)
        await _sizes_shrink(asker, scan)
        await _unknown_is_said(asker)
        await _bad_files_are_refused(asker)
        await _the_command_shows_it(asker, tmp_path)
        await _a_scan_with_positions_too(asker)


async def _equal_files_change_nothing(asker: Asker, scan: Answer) -> None:
    answer = await asker.tries()
    (one,) = answer["scans"]
    assert answer["changes"] == []
    assert one["was"] == one["would"]
    assert [(pick["symbol"], pick["outcome"]) for pick in one["was"]] == [
        (pick["symbol"], pick["outcome"]) for pick in scan["picks"]
    ]
    assert (one["differences"], one["unknown"], one["not_stored"], one["elsewhere"]) == ([], {}, [], 0)


async def _cuts_move(asker: Asker, scan: Answer) -> None:
    picks = scan["picks"]
    edge = round((picks[0]["composite_score"] + picks[-1]["composite_score"]) / 2, 4)
    one = await asker.tries_one(funnel__min_composite_score=edge)
    below = {pick["symbol"] for pick in picks if pick["composite_score"] < edge}
    assert below
    assert not below & {pick["symbol"] for pick in one["would"]}
    for symbol in below:
        assert f"composite score below the least, {edge:g}" in differing(one)[symbol]
    one = await asker.tries_one(workflow__execute_top_n=1)
    assert [pick["outcome"] in TAKEN for pick in one["would"]][:2] == [True, False]
    assert "better ones took the places" in differing(one)[one["would"][1]["symbol"]]
    weights = {"news": 0.0, "technical": 0.0, "momentum": 1.0, "volume": 0.0}
    one = await asker.tries_one(funnel__weights=weights)
    momentum = {pick["symbol"]: pick["parts"]["momentum"] for pick in picks}
    kept = [pick["symbol"] for pick in one["would"] if pick["symbol"] in momentum]
    assert kept == sorted(kept, key=lambda symbol: (-momentum[symbol], symbol))


async def _sizes_shrink(asker: Asker, scan: Answer) -> None:
    one = await asker.tries_one(risk__max_position_size=500)
    was = {pick["symbol"]: pick for pick in scan["picks"]}
    assert [pick["symbol"] for pick in one["would"]] == [pick["symbol"] for pick in one["was"]]
    for pick in one["would"]:
        before, symbol = was[pick["symbol"]], pick["symbol"]
        assert 0 < pick["shares"] * before["price"] <= 510
        if pick["shares"] != before["quantity"]:
            limit = f"{pick['shares']} shares instead of {before['quantity']}: max_position_size 500"
            assert differing(one)[symbol] == limit
    assert differing(one), "a limit that shrinks nothing proves nothing"


async def _unknown_is_said(asker: Asker) -> None:
    one = await asker.tries_one(funnel__news=60)
    assert len(one["unknown"]["pattern"]) == 25, "35 were asked about then, 60 would have been"
    one = await asker.tries_one(funnel__scanner=150)
    assert len(one["unknown"]["news"]) == 50
    answer = await asker.tries(scanner__min_price=2.0, funnel__news=30)
    assert answer["not_replayed"] == ["scanner.min_price: 1.0 -> 2.0"]
    one = await asker.tries_one(funnel__technical=20, funnel__min_composite_score=0.0)
    for symbol in one["unknown"].get("risk", []):
        assert differing(one)[symbol] == "not known: risk never saw it"


async def _bad_files_are_refused(asker: Asker) -> None:
    where = f"{asker.urls['workflow']}/api/v1/config/try"
    bad = asker.texts({}) | {RISK_FILE: "daily_limits:\n  max_loss: much\n"}
    answer = await asker.http.post(where, json={"files": bad})
    assert answer.status_code == 422
    assert "risk_parameters.yaml line 2: daily_limits.max_loss" in answer.json()["detail"]
    answer = await asker.http.post(where, json={"files": {TRADING_FILE: ""}})
    assert (answer.status_code, answer.json()["field"]) == (422, "files")
    laughs = "boom:\n" + "".join(f"  - &b{n} [{', '.join([f'*b{n - 1}' if n else 'x'] * 9)}]\n" for n in range(8))
    for text in (
        laughs,
        "session:\n  timezone: 2026-13-45\n",
        f"risk: {'[' * 9_000}\n",
        "risk:\nrisk:\n",
        "#" * 70_000,
    ):
        answer = await asker.http.post(where, json={"files": asker.texts({}) | {RISK_FILE: text}})
        assert (answer.status_code, answer.json()["field"]) == (422, "files"), text[:40]
        assert len(answer.content) < 1000


async def _the_command_shows_it(asker: Asker, folder: Path) -> None:
    candidate = folder / "candidate"
    candidate.mkdir()
    for name, text in asker.texts({"risk__max_position_size": 500, "workflow__execute_top_n": 2}).items():
        (candidate / name).write_text(text)
    code, said = await asker.types("config", "try", "--folder", str(candidate), "--scans", "3")
    assert code == 0, said
    for words in ("picks as they would be", "max_position_size 500", "risk.max_position_size", "each scan alone"):
        assert words in said, said
    code, said = await asker.types("config", "try", "--folder", str(candidate), "--json")
    assert json.loads(said)["scans"][0]["differences"]
    (candidate / RISK_FILE).write_text("daily_limits: [\n")
    code, said = await asker.types("config", "try", "--folder", str(candidate))
    assert (code, "risk_parameters.yaml line 2: not valid YAML" in said) == (1, True)


async def _a_scan_with_positions_too(asker: Asker) -> None:
    """The next scan finds names held and limits partly used up: the book is read back from the checks."""
    sim = f"{asker.urls['exchange']}/_sim/clock/advance"
    (await asker.http.post(sim, json={"seconds": 600})).raise_for_status()
    (await asker.http.post(f"{asker.urls['scanner']}/api/v1/scan")).raise_for_status()
    newest, first = (await asker.tries())["scans"]
    assert (newest["scan"], first["scan"]) == (2, 1)
    for one in (newest, first):
        assert one["was"] == one["would"]
        assert (one["differences"], one["unknown"], one["not_stored"], one["elsewhere"]) == ([], {}, [], 0)
    tighter = (await asker.tries(risk__max_positions=3))["scans"][0]
    assert tighter["would"] == [], "three are held already"
    assert all(why.startswith("max_positions: 4 against 3") for why in differing(tighter).values())
    assert set(differing(tighter)) == {pick["symbol"] for pick in newest["was"]}
