"""Supervised scans tried under other files, by the real services: proposals approved, raced, run out of time."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import redis

from scripts.cli.candidate import picked
from scripts.embedded import Server
from scripts.tapes.synthesize import synthesize
from tests.workflow.test_what_if import Answer, Asker, differing
from tests.workflow.whole import configuration, database, running

PENDING = "a proposal of this symbol is still pending"


class Operator:
    """Someone who scans, says yes and no, and lets time pass."""

    def __init__(self, http: httpx.AsyncClient, urls: dict[str, str]) -> None:
        self.http, self.urls = http, urls

    async def does(self, service: str, path: str, body: Any = None) -> Answer:
        answer = await self.http.post(f"{self.urls[service]}{path}", json=body)
        found: Answer = answer.raise_for_status().json()
        return found

    async def waits(self, seconds: float) -> None:
        await self.does("exchange", "/_sim/clock/advance", {"seconds": seconds})

    async def scans(self) -> Answer:
        return await self.does("scanner", "/api/v1/scan")

    async def says(self, pick: Answer, word: str) -> httpx.Response:
        return await self.http.post(f"{self.urls['workflow']}/api/v1/proposals/{pick['proposal_id']}/{word}")


async def test_supervised_scans_are_tried_as_they_went(
    postgres: Server, template_database: str, valkey: Server, tmp_path: Path
) -> None:
    tape = tmp_path / "tape"
    tape.mkdir()
    synthesize(tape, seed=11, names=400)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    async with (
        database(postgres, template_database, "supervised") as url,
        running(url, valkey.url, tape, tmp_path) as urls,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        operator, asker = Operator(http, urls), Asker(http, urls, configuration(tmp_path / "held"))
        await operator.does("workflow", "/api/v1/cycles", {"mode": "normal", "session_mode": "supervised"})
        first = await operator.scans()
        assert [pick["outcome"] for pick in first["picks"]] == ["proposal"] * 3 + ["reserve"] * 2
        await _some_are_decided(operator, first)
        await operator.waits(90)
        second = await operator.scans()
        await operator.waits(400)
        third = await operator.scans()
        assert all(scan["status"] == "completed" for scan in (first, second, third))
        await _equal_files_change_nothing(asker, [third, second, first])
        await _fates_are_shown(asker, first)
        await _whoever_waited_is_not_proposed_again(asker, first, second)
        tighter = (await asker.tries(workflow__execute_top_n=1))["scans"][2]
        assert [place["outcome"] for place in tighter["would"]] == ["proposal"] + ["reserve"] * 4
        assert set(differing(tighter)) == {pick["symbol"] for pick in first["picks"][1:3]}


async def _some_are_decided(operator: Operator, scan: Answer) -> None:
    """The first is approved; yes and no race for the second, and exactly one of them is obeyed; nobody decides the
    third.
    """
    yes = await operator.says(scan["picks"][0], "approve")
    assert yes.status_code == 200, yes.text
    raced = await asyncio.gather(*(operator.says(scan["picks"][1], word) for word in ("approve", "reject", "approve")))
    words = {answer.json()["status"] for answer in raced if answer.status_code == 200}
    assert len(words) == 1, [answer.text for answer in raced]


async def _equal_files_change_nothing(asker: Asker, scans: list[Answer]) -> None:
    for one, scan in zip((await asker.tries())["scans"], scans, strict=True):
        assert one["scan"] == scan["scan"]
        assert one["was"] == one["would"], one["differences"]
        shown = [(pick["symbol"], pick["outcome"], pick["quantity"]) for pick in scan["picks"]]
        assert [(place["symbol"], place["outcome"], place["shares"]) for place in one["was"]] == shown
        assert (one["differences"], one["unknown"], one["not_stored"], one["elsewhere"]) == ([], {}, [], 0)


async def _fates_are_shown(asker: Asker, first: Answer) -> None:
    one = (await asker.tries())["scans"][2]
    approved, raced, left = (pick["symbol"] for pick in first["picks"][:3])
    assert one["fates"][approved] == "approved"
    assert one["fates"][raced] in ("approved", "rejected")
    assert one["fates"][left] == "expired"
    assert f"{left} {first['picks'][2]['quantity']} expired" in picked(one["was"], one["fates"])
    code, said = await asker.types("config", "try")
    assert (code, f"{approved} {first['picks'][0]['quantity']} approved" in " ".join(said.split())) == (0, True), said


async def _whoever_waited_is_not_proposed_again(asker: Asker, first: Answer, second: Answer) -> None:
    """The third of the first scan waited during the second one."""
    waited = first["picks"][2]["symbol"]
    again = {pick["symbol"]: pick for pick in second["picks"]}
    assert (again[waited]["outcome"], again[waited]["reason"]) == ("refused", PENDING)
    wider = (await asker.tries(workflow__execute_top_n=5, funnel__risk=10))["scans"][1]
    assert {place["symbol"]: place["outcome"] for place in wider["would"]}[waited] == "refused"
    assert any(place["outcome"] == "proposal" for place in wider["would"])
