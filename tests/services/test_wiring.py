"""A service is given what its registry entry names, and anything else says what to do when it is used."""

import dataclasses

import pytest

from config.services import BY_NAME, SERVICES
from config.settings import Settings
from services.wiring import build_deps
from shared.deps import NotGiven
from shared.errors import ConfigError

PORTS = {"clock": "clock", "config": "config", "client": "calls", "market": "market"}


@pytest.mark.parametrize("service", [one.name for one in SERVICES if one.name != "exchange"])
async def test_a_service_is_given_what_it_names_and_no_more(database_url: str, service: str) -> None:
    settings = Settings(_env_file=None, database_url=database_url, alert_webhook_url="http://127.0.0.1:9/hook")
    needs = BY_NAME[service].needs
    async with build_deps(settings, service) as deps:
        given = {need for field, need in PORTS.items() if not isinstance(getattr(deps, field), NotGiven)}
        given |= {"broker"} if deps.broker is not None and deps.stream is not None else set()
        given |= {"mail"} if deps.webhook is not None else set()
        given |= {"news"} if deps.news else set()
        # Readers are the operator's: none may be configured. Who names none is given none.
        assert given == set(needs) - {"readers"}
        assert "readers" in needs or deps.readers == ()


async def test_what_is_not_given_says_where_to_name_it(database_url: str) -> None:
    settings = Settings(_env_file=None, database_url=database_url)
    async with build_deps(settings, "reporting") as deps:
        with pytest.raises(ConfigError, match="reporting uses market: name it under needs"):
            await deps.market.assets()
        assert dataclasses.replace(deps, news=()).settings is settings
