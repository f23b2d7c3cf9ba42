"""Which sources are on, how much each may be asked, and what the settings refuse."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config.settings import Settings
from services.news.sources.budget import Budget
from services.news.sources.wired import feeds, readers
from shared.errors import NotNow
from tests.news.street import Memory
from tests.technical.world import NOW, Clock, Market

PAPER = "https://paper-api.alpaca.markets"
KEYS: dict[str, Any] = {
    "benzinga_api_key": "k", "NEWS_API_KEY": "k", "alphavantage_key": "k", "sec_contact": "A Person a@person.example",
}  # fmt: skip


def offs(**says: Any) -> dict[str, str | None]:
    made = feeds(Settings(_env_file=None, **says), Clock(), Memory(), Market(Clock()))
    return {feed.name: feed.terms.off for feed in made}


def test_sources_without_a_key_are_off_and_say_what_is_missing() -> None:
    found = offs(alpaca_base_url=PAPER)
    assert found["alpaca"] is None
    assert found["yahoo"] is None
    assert {name: why.split()[0] for name, why in found.items() if why} == {
        "benzinga": "BENZINGA_API_KEY", "sec": "SEC_CONTACT",
        "newsapi": "NEWS_API_KEY", "alphavantage": "ALPHAVANTAGE_KEY",
    }  # fmt: skip
    assert offs(alpaca_base_url=PAPER, enable_yahoo_news=False)["yahoo"] == "ENABLE_YAHOO_NEWS is false"


def test_with_keys_all_are_on() -> None:
    assert set(offs(alpaca_base_url=PAPER, **KEYS).values()) == {None}


def test_the_simulated_day_is_not_mixed_with_the_worlds_news() -> None:
    found = offs(**KEYS)
    assert found["alpaca"] is None
    assert all("simulated" in (why or "") for name, why in found.items() if name != "alpaca")
    assert offs(**KEYS, news_urls={"sec": "http://127.0.0.1:1"})["sec"] is None


@pytest.mark.parametrize(
    "says",
    [
        {"news_urls": {"sec": "https://evil.example"}},
        {"news_urls": {"sec": "127.0.0.1"}},
        {"news_llm_provider": "openai"},
        {"news_llm_provider": "openai", "news_llm_model": "m", "news_llm_url": "http://far.example/v1"},
        {"news_llm_provider": "other"},
        {"sec_contact": "nobody"},
        {"news_reading_seconds": 0},
    ],
)
def test_settings_that_would_leak_or_fail_are_refused(says: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, **says)


def test_readers_are_those_that_the_operator_names() -> None:
    assert readers(Settings(_env_file=None), Clock(), Memory()) == ()
    says: dict[str, Any] = {
        "news_llm_provider": "openai",
        "news_llm_model": "m",
        "news_onnx_path": Path("/no/such.onnx"),
    }
    made = readers(Settings(_env_file=None, **says), Clock(), Memory())
    assert [reader.name for reader in made] == ["openai:m", "onnx"]
    assert made[0].off is None
    assert "NEWS_ONNX_PATH" in (made[1].off or "")
    claude = readers(Settings(_env_file=None, **says | {"news_llm_provider": "anthropic"}), Clock(), Memory())
    assert claude[0].name == "anthropic:m"


async def test_a_budget_counts_minutes() -> None:
    budget = Budget("x", Clock(), Memory(), per_minute=2)
    await budget.take()
    await budget.take()
    with pytest.raises(NotNow, match="2 requests a minute") as raised:
        await budget.take()
    assert raised.value.possible_at is not None
    assert 0 < (raised.value.possible_at - NOW).total_seconds() <= 60
    assert budget.left_today is None


async def test_a_days_budget_outlives_a_restart_and_ends_at_midnight() -> None:
    clock, memory = Clock(), Memory()
    first = Budget("x", clock, memory, 100, per_day=3)
    await first.take()
    await first.take()
    second = Budget("x", clock, memory, 100, per_day=3)
    await second.take()
    assert second.left_today == 0
    with pytest.raises(NotNow, match="3 requests a day") as raised:
        await second.take()
    assert raised.value.possible_at == datetime(2026, 6, 17, tzinfo=UTC)
    clock.at = datetime(2026, 6, 17, 0, 0, 1, tzinfo=UTC)
    await second.take()
    assert second.left_today == 2


async def test_a_vendor_that_has_had_enough_is_left_alone() -> None:
    budget = Budget("x", Clock(), Memory(), per_minute=100)
    budget.rest(30)
    with pytest.raises(NotNow):
        await budget.take()
