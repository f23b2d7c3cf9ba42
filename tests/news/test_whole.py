"""The service as it is started: the composition root's own sources against the exchange, a vendor and a model."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.settings import Settings
from scripts.tapes.synthesize import synthesize
from services.exchange.api import bare_app
from services.exchange.flow import open_world
from services.news.api import create_app
from services.wiring import build_deps
from tests.exchange.conftest import serving
from tests.news.street import Answer, Asked, Street
from tests.news.vendors import TICKERS, atom, filing
from tests.technical.world import NOW


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[str]:
    """The real exchange on an invented tape, forty-one minutes and a half after the open."""
    synthesize(tmp_path, seed=3, names=40)
    with serving(bare_app(open_world(tmp_path, start="10:11:30"))) as url:
        yield url


async def test_from_the_vendors_to_the_evidence(
    exchange: str, street: Street, database_url: str, redis_url: str
) -> None:
    async with httpx.AsyncClient() as control:
        now = datetime.fromisoformat((await control.get(f"{exchange}/_sim/clock")).json()["now"])
    port = int(redis_url.split("@")[-1].split(":")[-1].split("/")[0])
    secret = redis_url.split("@")[0].split(":")[-1] if "@" in redis_url else ""
    says: dict[str, Any] = {
        "database_url": database_url, "redis_port": port, "redis_password": secret, "alpaca_base_url": exchange,
        "news_urls": {"sec": street.url}, "sec_contact": "A Person a@person.example",
        "news_llm_provider": "openai", "news_llm_model": "m", "news_llm_url": street.url, "news_llm_items": 5,
    }  # fmt: skip
    said = {"sentiment": -0.4, "confidence": 0.7, "catalyst": None, "reason": "as a test says"}

    def speak(asked: Asked) -> Answer:
        return Answer({"choices": [{"message": {"content": json.dumps(said)}}]})

    async with build_deps(Settings(_env_file=None, **says), "news") as deps:
        symbol = (await deps.market.assets())[0].symbol
        minutes = (NOW - now) / timedelta(minutes=1) + 5
        listed = {"0": TICKERS["0"] | {"cik_str": 7, "ticker": symbol}}
        street.says["/files/company_tickers.json"] = Answer(listed)
        street.says["/cgi-bin/browse-edgar"] = atom(filing("a-1", minutes, "SOME COMPANY", 7, "1.03: Bankruptcy"))
        street.says["/chat/completions"] = speak
        transport = httpx.ASGITransport(create_app(deps), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
            answer = await web.post("/api/v1/assess", json={"symbols": [symbol], "as_of": now.isoformat()})
            sources = {one["name"]: one["status"] for one in (await web.get("/api/v1/sources")).json()}
            readers = (await web.get("/api/v1/readers")).json()
            stored = (await web.get("/api/v1/news", params={"symbol": symbol})).json()
    assert answer.status_code == 200, answer.text
    found = answer.json()["evidence"][0]
    assert found["score"] < 0.5
    assert "as a test says" in found["reason"]
    off = dict.fromkeys(("benzinga", "newsapi", "alphavantage", "yahoo"), "off")
    assert sources == {"alpaca": "ok", "sec": "ok"} | off
    assert (readers[0]["status"], readers[0]["stepped_down"]) == ("ok", 0)
    assert "sec" in {one["source"] for one in stored}
    agents = {asked.headers["user-agent"] for asked in street.asked if asked.path.startswith("/cgi-bin")}
    assert agents == {"CatalystTrading/1.0 A Person a@person.example"}


async def test_other_processes_get_no_vendors(exchange: str, database_url: str, redis_url: str) -> None:
    settings = Settings(_env_file=None, database_url=database_url, alpaca_base_url=exchange)
    async with build_deps(settings, "pattern") as deps:
        assert (deps.news, deps.readers) == ((), ())
    async with build_deps(settings, "scanner") as deps:
        assert ([feed.name for feed in deps.news], deps.readers) == (["alpaca"], ())
