"""Incidents at the edges: answers that changed their form, clocks, configuration, dependencies that come and go."""

import asyncio
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from fastapi import Response

from config.reload import ConfigFileError, LiveConfig, build
from config.settings import Settings
from services.risk_manager.rules.bounds import Standing, out_of_bounds
from shared import errors
from shared.adapters.alpaca_data import AlpacaData
from shared.adapters.http_calls import HttpCalls
from shared.domain.base import Value
from shared.domain.session import session_from_hours
from tests.risk_manager import facts
from tests.shared.alpaca_venue import Venue, settings_for
from tests.shared.test_calls import Neighbour, serving

FILES = Path("config")
ASSET = {"symbol": "A", "name": "A Inc", "exchange": "NYSE", "class": "us_equity", "status": "active", "tradable": True}


class Counted(Value):
    count: int


async def test_10_renamed_key(free_port: int, venue: Venue, venue_url: str) -> None:
    client = HttpCalls(Settings(_env_file=None, service_urls={"scanner": f"http://127.0.0.1:{free_port}"}))
    neighbour = Neighbour()
    neighbour.answer = lambda: Response('{"count": 1, "timestamp": "2026-06-15"}')
    async with serving(neighbour.app, free_port):
        with pytest.raises(errors.Unavailable, match="another form"):
            await client.get("scanner", "/thing", Counted)
    await client.close()
    venue.answers["/v2/stocks/AAA/trades/latest"] = (200, {})
    venue.answers["/v2/stocks/bars"] = (200, {"bars": {"A": [{"timestamp": "2026-06-16T13:30:00Z", "c": 1}]}})
    market = AlpacaData(settings_for(venue_url))
    with pytest.raises(errors.Unavailable, match="another form"):
        await market.bars(["A"], "5Min", datetime(2026, 6, 16, 13, tzinfo=UTC), datetime(2026, 6, 16, 15, tzinfo=UTC))
    await market.close()


async def test_23_asset_model_too_strict(venue: Venue, venue_url: str) -> None:
    venue.answers["/v2/assets"] = (
        200,
        [
            ASSET,
            {**ASSET, "symbol": "B", "exchange": "ASCX", "status": "dreaming"},
            {**ASSET, "class": "crypto_perp"},
            "new",
        ],
    )
    market = AlpacaData(settings_for(venue_url))
    assert [asset.symbol for asset in await market.assets()] == ["A", "B"]
    await market.close()


def test_26_utc_hours_for_new_york() -> None:
    opens = {day: session_from_hours(day, time(9, 30), time(16)).open for day in (date(2026, 1, 15), date(2026, 7, 15))}
    assert [moment.astimezone(UTC).hour for moment in opens.values()] == [14, 13]


def test_27_config_reload_mid_position() -> None:
    live = LiveConfig(FILES, Settings(_env_file=None))
    before, risk = live.current(), live.texts["risk_parameters.yaml"]
    with pytest.raises(ConfigFileError, match="line"):
        live.hold({**live.texts, "risk_parameters.yaml": risk.replace("max_loss: 2000.00", "max_loss: [2000")})
    for doubtful in ("max_loss: 500\n  max_loss: 2000.00", "max_loss: 20:00", "max_loss: yes", "max_loss:"):
        with pytest.raises(ConfigFileError, match=r"line [34]"):
            live.hold({**live.texts, "risk_parameters.yaml": risk.replace("max_loss: 2000.00", doubtful)})
    assert live.current() is before, "a broken file changes nothing, and no default takes its place"
    tighter = {name: text.replace("max_positions: 5", "max_positions: 1") for name, text in live.texts.items()}
    held = tuple(facts.holding(symbol) for symbol in ("AAA", "BBB"))
    (said,) = out_of_bounds(before, build(tighter, Settings(_env_file=None)), Standing(facts.NOW, held, ()))
    assert said.startswith("max_positions 1: 2 are held")


async def test_30_breaker_stuck_open(free_port: int) -> None:
    client = HttpCalls(Settings(_env_file=None, service_urls={"scanner": f"http://127.0.0.1:{free_port}"}))
    neighbour = Neighbour()
    neighbour.answer = lambda: Response('{"count": 1}')
    for _ in range(20):
        with pytest.raises(errors.Unavailable):
            await client.get("scanner", "/thing", Counted)
    waiting = [asyncio.create_task(client.get("scanner", "/thing", Counted, deadline=20)) for _ in range(5)]
    await asyncio.sleep(0.3)
    async with serving(neighbour.app, free_port):
        assert await client.get("scanner", "/thing", Counted) == Counted(count=1), "recovery is noticed at once"
        await asyncio.gather(*waiting)
    assert neighbour.asked == 6, "whoever waited asked once"
    await client.close()
