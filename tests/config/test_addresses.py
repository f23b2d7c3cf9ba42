"""The broker's keys go to Alpaca by TLS, or to the simulated exchange near by; every other address refuses to start."""

import pytest
from pydantic import ValidationError

from config.settings import complaints
from tests.config.test_settings import LIVE, PAPER, settings

DATA = "https://data.alpaca.markets"
STRANGE = [
    "paper-api.alpaca.markets", "api.alpaca.markets", "//paper-api.alpaca.markets", "https:/paper-api.alpaca.markets",
    "https://api.alpaca.markets.", "https://paper-api.alpaca.markets.", "https://api.alpaca.markets ", " ",
    " https://paper-api.alpaca.markets", "https://paper-api.alpaca.markets\n", "https://paper-api .alpaca.markets",
    "https://API.alpaca.markets", "HTTPS://paper-api.alpaca.markets", "http://paper-api.alpaca.markets",
    "http://api.alpaca.markets", "http://paper-api.alpaca.market", "https://api.alpaca.market",
    "https://paper-api.alpaca.markets.evil.com", "https://evil.com/paper-api.alpaca.markets", "https://alpaca.markets",
    "https://paper-api.alpacamarkets.com", "https://paper_api.alpaca.markets", "https://data.alpaca.markets",
    "https://broker-api.alpaca.markets", "https://app.alpaca.markets", "https://sub.api.alpaca.markets",
    "https://paper-api.alpaca.markets@evil.com", "https://user:hunter2@paper-api.alpaca.markets",
    "https://paper-api.alpaca.markets?key=hunter2", "https://paper-api.alpaca.markets#hunter2",
    "https://paper-api.alpaca.markets\\@evil.com", "https://paper-api.alpaca.markets%2eevil.com",
    "https://paper-api.alpaca.markets:8443", "https://paper-api.alpaca.markets:443", "https://paper-api.alpaca.markets:",
    "https://paper-api.alpaca.markets:443@evil.com", "https://paper-api.alpaca.markets/v1",
    "https://paper-api.alpaca.markets/v2/v2", "https://paper-api.alpaca.markets//", "wss://paper-api.alpaca.markets/stream",
    "ftp://127.0.0.1:5020", "http://10.0.0.7:5020", "http://exchange:5020", "http://catalyst-exchange.evil.com:5020",
    "http://127.0.0.1.evil.com", "http://localhost.:5020", "http://127.0.0.1:0", "http://127.0.0.1:99999",
    "http://0x7f000001:5020", "http://0.0.0.0:5020", "http://catalyst-scanner:5020", "https://pаper-api.alpaca.markets",
    "https://paper-api．alpaca．markets", "https://[::2]", "https://", "simulated", "null",
]  # fmt: skip


def refusal(**given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**given)
    (line,) = complaints(caught.value)
    assert "hunter2" not in line + str(caught.value)
    return line


@pytest.mark.parametrize("url", STRANGE)
@pytest.mark.parametrize("live", [False, True])
def test_a_strange_base_address_refuses_to_start(url: str, live: bool) -> None:
    says = {"trading_mode": "live", "enable_live_trading": True} if live else {}
    line = refusal(alpaca_base_url=url, **says)
    assert line.startswith("ALPACA_BASE_URL: ")
    assert PAPER in line
    assert LIVE in line


@pytest.mark.parametrize("url", [one for one in STRANGE if one != DATA] + [PAPER, LIVE, "http://data.alpaca.markets"])
def test_a_strange_data_address_refuses_to_start(url: str) -> None:
    line = refusal(alpaca_base_url=PAPER, alpaca_data_url=url)
    assert line.startswith("ALPACA_DATA_URL: ")
    assert DATA in line


def test_prices_and_account_belong_to_one_market() -> None:
    assert "another market" in refusal(alpaca_base_url=PAPER, alpaca_data_url="http://127.0.0.1:5020")
    assert "another market" in refusal(alpaca_base_url="http://127.0.0.1:5020", alpaca_data_url=DATA)


@pytest.mark.parametrize("url", [PAPER, f"{PAPER}/", f"{PAPER}/v2", f"{PAPER}/v2/"])
def test_the_slash_and_v2_are_tolerated(url: str) -> None:
    paper = settings(alpaca_base_url=url, alpaca_data_url=url.replace("paper-api", "data"))
    assert paper.broker == "paper"
    assert (paper.trading_url, paper.data_url) == (PAPER, DATA)
    assert paper.stream_url == "wss://paper-api.alpaca.markets/stream"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:5020", "http://localhost:1/", "http://[::1]:5020/v2", "http://catalyst-exchange:5020"]
)
def test_the_simulated_exchange_is_near(url: str) -> None:
    near = settings(alpaca_base_url=url, alpaca_data_url=url)
    assert near.broker == "simulated"
    assert near.trading_url == near.data_url == url.removesuffix("/").removesuffix("/v2")
    assert near.stream_url.startswith("ws://")


def test_without_a_base_address_the_registry_may_not_lead_the_keys_astray() -> None:
    for where in ("http://evil.com:5020", "https://api.alpaca.markets", "http://exchange:5020"):
        line = refusal(service_urls={"exchange": where})
        assert line.startswith("SERVICE_URLS or SERVICE_URL_TEMPLATE: ")
    assert refusal(service_url_template="http://{container}.evil.com:{port}").startswith("SERVICE_URLS or")
    away = settings(service_url_template="http://{container}.example.org:{port}", alpaca_base_url=PAPER)
    assert away.url_of("scanner") == "http://catalyst-scanner.example.org:5001"
    docker = settings(service_url_template="http://{container}:{port}")
    assert docker.trading_url == "http://catalyst-exchange:5020"


@pytest.mark.parametrize("template", ["http://{host}:{port}", "{container}", "http://{0}", "http://{", "http://x:port"])
def test_a_template_that_makes_no_address_refuses_to_start(template: str) -> None:
    assert "no usable address for orchestration" in refusal(service_url_template=template)


def test_an_address_of_a_service_that_is_none_refuses_to_start() -> None:
    for where in ("127.0.0.1:5001", "http://:5001", "http://127.0.0.1:many", "http://127.0.0.1:99999", ""):
        assert "no usable address for scanner" in refusal(service_urls={"scanner": where or "//"})
