"""Numbers in the environment: as strict as those of the YAML files, and a refusal names setting, fault and cure."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from config.numbers import kind_of
from config.settings import Settings, complaints
from tests.config.test_settings import settings

NO_NUMBERS = ("nan", "inf", "-inf", "Infinity", "1_000", "5_000", "0x10", "0o17", "5,000.00", "$500", "500 USD",
              "５００", "٣", "007", "00", "true", "yes", "20:00", "--5", "1e", "9" * 60, "1e99999", "one")  # fmt: skip
TOO_MUCH = ("1e400", "1e16", "-1e400", "1e-400")
LIMITS = (
    "max_daily_loss",
    "max_position_size",
    "max_positions",
    "workflow_scan_frequency_minutes",
    "workflow_execute_top_n",
)


def refusal(**given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**given)
    (line,) = complaints(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("text", [*NO_NUMBERS, *TOO_MUCH, "-500", "-1", "0", "-0", "0.0", "1e-320"])
def test_a_limit_that_is_none_refuses_to_start(name: str, text: str) -> None:
    line = refusal(**{name: text})
    assert line.startswith(f"{name.upper()}: ")
    assert "set a number from " in line
    if text in NO_NUMBERS and len(text) > 2:
        assert text not in line.split(":", 1)[1], "a text may be a secret"


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_has_a_most(name: str) -> None:
    most = Decimal("1000000000.01") if name in ("max_daily_loss", "max_position_size") else 391
    assert "must be at most" in refusal(**{name: str(most)})


def test_every_number_of_the_settings_is_finite_and_bounded() -> None:
    names = [name for name, field in Settings.model_fields.items() if kind_of(field.annotation) not in (None, bool)]
    assert len(names) > 20
    for name in names:
        for text in (*NO_NUMBERS, *TOO_MUCH, "999999999999999", "-1"):
            assert refusal(**{name: text}).startswith(f"{name.upper()}: "), (name, text)
    assert "must be a plain number" in refusal(max_positions=True)
    assert "must be finite" in refusal(max_daily_loss=float("inf"))
    assert "must be finite" in refusal(max_daily_loss=Decimal("NaN"))


@pytest.mark.parametrize(
    ("text", "value"),
    [(".5", "0.5"), ("+5", "5"), (" 5 ", "5"), ("5.", "5"), ("1e3", "1000"), ("2000.00", "2000"), ("0.01", "0.01")],
)
def test_what_the_yaml_takes_the_environment_takes(text: str, value: str) -> None:
    assert settings(max_daily_loss=text).max_daily_loss == Decimal(value)


def test_money_is_exact() -> None:
    assert settings(max_daily_loss="123456789.01").max_daily_loss == Decimal("123456789.01")
    assert isinstance(settings(max_position_size=5000).max_position_size, Decimal)


@pytest.mark.parametrize("text", ["", " ", "\t"])
def test_an_empty_limit_is_unset(text: str) -> None:
    unset = settings(max_daily_loss=text, max_positions=text, workflow_execute_top_n=text, redis_port=text)
    assert (unset.max_daily_loss, unset.max_positions, unset.redis_port) == (None, None, 6379)


def test_a_fraction_of_a_position_is_none() -> None:
    assert "must be a whole number" in refusal(max_positions="2.5")
    assert settings(max_positions="3.0").max_positions == 3


def test_addresses_in_json_are_refused_without_their_text() -> None:
    for name in ("service_urls", "news_urls"):
        line = refusal(**{name: '{"scanner": "http://u:hunter2@'})
        assert line.startswith(f"{name.upper()}: must be a JSON object")
        assert "hunter2" not in line
        assert refusal(**{name: '{"hunter2": 5}'}) == f"{name.upper()}: must be a text"
        assert refusal(**{name: "null"}).startswith(f"{name.upper()}: must be a JSON object")


def test_other_addresses_that_are_none_name_their_setting() -> None:
    assert refusal(news_llm_url="http://[::1").startswith("NEWS_LLM_URL ")
    assert refusal(news_llm_url="https://[hunter2").startswith("NEWS_LLM_URL ")
    assert refusal(news_urls={"alpaca": "http://[::1"}).startswith("NEWS_URLS ")
    assert "is not of the form" in refusal(alert_webhook_url="hunter2")
    assert settings(news_llm_url="http://127.0.0.1:1/v1").news_llm_url
