"""Where it runs: what agrees, what is refused, and what the refusal says."""

import pytest
from pydantic import ValidationError

from config.services import SERVICES
from config.settings import Settings

LIVE = "https://api.alpaca.markets"
PAPER = "https://paper-api.alpaca.markets"


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, **given)


def test_the_broker_is_simulated_unless_an_address_says_otherwise() -> None:
    assert settings().broker == "simulated"
    assert settings(alpaca_base_url=PAPER).broker == "paper"
    assert settings(alpaca_base_url=PAPER).data_url == "https://data.alpaca.markets"
    assert settings(alpaca_base_url="http://127.0.0.1:5999/v2/").trading_url == "http://127.0.0.1:5999"


@pytest.mark.parametrize(
    "mixture",
    [
        {"trading_mode": "live"},
        {"enable_live_trading": True},
        {"alpaca_base_url": LIVE},
        {"trading_mode": "live", "enable_live_trading": True},
        {"trading_mode": "live", "alpaca_base_url": LIVE},
        {"enable_live_trading": True, "alpaca_base_url": LIVE},
        {"trading_mode": "live", "enable_live_trading": True, "alpaca_base_url": PAPER},
    ],
)
def test_a_mixture_of_live_and_paper_is_refused_and_names_both_sides(mixture: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="live money needs three settings that agree") as refusal:
        settings(**mixture)
    for name in ("TRADING_MODE", "ENABLE_LIVE_TRADING", "ALPACA_BASE_URL"):
        assert name in str(refusal.value)


def test_all_three_together_are_live() -> None:
    live = settings(trading_mode="live", enable_live_trading=True, alpaca_base_url=LIVE)
    assert live.broker == "live"


def test_paper_switched_off_and_a_paper_address_disagree() -> None:
    with pytest.raises(ValidationError, match="ENABLE_PAPER_TRADING"):
        settings(enable_paper_trading=False, alpaca_base_url=PAPER)


def test_reachable_by_others_needs_a_key() -> None:
    with pytest.raises(ValidationError, match="CATALYST_API_KEY"):
        settings(catalyst_bind="0.0.0.0")
    with pytest.raises(ValidationError, match="16"):
        settings(catalyst_bind="0.0.0.0", catalyst_api_key="short")
    assert not settings(catalyst_bind="0.0.0.0", catalyst_api_key="k" * 32).is_loopback


def test_parts_of_the_database_address_are_escaped() -> None:
    parts = settings(database_user="cat", database_password="p@ss/word", database_host="db", database_name="x")
    assert parts.dsn == "postgresql://cat:p%40ss%2Fword@db:5432/x?sslmode=prefer"
    assert settings(database_url="postgresql://a/b").dsn == "postgresql://a/b"


def test_addresses_of_services_come_from_one_place() -> None:
    near = settings(service_urls={"scanner": "http://127.0.0.1:4711"})
    assert near.url_of("scanner") == "http://127.0.0.1:4711"
    assert near.port_of("scanner") == 4711
    assert near.url_of("risk-manager") == "http://127.0.0.1:5005"
    docker = settings(service_url_template="http://{container}:{port}")
    assert docker.url_of("risk-manager") == "http://catalyst-risk-manager:5005"
    with pytest.raises(ValidationError, match="scaner"):
        settings(service_urls={"scaner": "http://127.0.0.1:1"})


def test_the_registry_is_the_contract() -> None:
    ports = {service.name: service.port for service in SERVICES}
    assert len(SERVICES) == 12
    assert ports["orchestration"] == 5000
    assert ports["signals"] == 5008
    assert ports["exchange"] == 5020
    assert len(set(ports.values())) == 12
