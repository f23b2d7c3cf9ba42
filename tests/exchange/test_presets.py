"""Plans and habits of the vendor by name: request budgets, delayed consolidated data, fields that come and go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest, StockLatestQuoteRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from pydantic import ValidationError

from tests.exchange.serving import Served, desk_on, post, serving
from tests.exchange.test_orders_api import keys, limit
from tests.exchange.venues import KEY, OPEN

FIVE = TimeFrame(5, TimeFrameUnit.Minute)
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")


@pytest.fixture
def exchange() -> Iterator[Served]:
    with serving(desk_on()) as served:
        yield served


def set_up(exchange: Served, **settings: Any) -> dict[str, Any]:
    return post(f"{exchange.url}/_sim/settings", settings)


def get(exchange: Served, path: str, key: str = KEY) -> httpx.Response:
    return httpx.get(exchange.url + path, headers=keys(key))


def budget(answer: httpx.Response) -> tuple[int, int, int]:
    limit_, remaining, reset = (int(answer.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset"))
    return limit_, remaining, reset


def test_budgets_are_told_everywhere_and_reached_nowhere_by_default(exchange: Served) -> None:
    for path in ("/v2/clock", "/v2/calendar?start=2026-06-15&end=2026-06-15", "/v2/account", "/v2/orders",
                 "/v2/stocks/snapshots?symbols=AAA", "/v1beta1/news", "/v2/assets/ZZZ"):  # fmt: skip
        assert budget(get(exchange, path)) == (10_000, 10_000, int(OPEN) + 120)
    assert "x-ratelimit-limit" not in httpx.get(f"{exchange.url}/_sim/clock").headers


def test_a_budget_is_for_one_account_and_one_minute_of_market_time(exchange: Served) -> None:
    set_up(exchange, trading_requests_per_minute=3)
    assert [budget(get(exchange, "/v2/account"))[1] for _ in range(3)] == [2, 1, 0]
    refused = get(exchange, "/v2/account")
    assert (refused.status_code, refused.json()) == (429, {"message": "too many requests."})
    assert refused.headers["retry-after"] == "60"
    assert budget(refused) == (3, 0, int(OPEN) + 120)
    assert get(exchange, "/v2/account", "else").status_code == 200
    assert get(exchange, "/v2/stocks/snapshots?symbols=AAA").status_code == 200
    exchange.advance(60)
    assert budget(get(exchange, "/v2/account"))[1] == 2


def test_data_has_a_budget_of_its_own(exchange: Served) -> None:
    set_up(exchange, data_requests_per_minute=1)
    path = "/v2/stocks/snapshots?symbols=AAA"
    assert [get(exchange, path).status_code for _ in range(2)] == [200, 429]
    assert get(exchange, "/v2/account").status_code == 200


def test_presets_name_what_they_set(exchange: Served) -> None:
    assert set_up(exchange, preset="paper-2026", easy_to_borrow=False)["trading_requests_per_minute"] == 200
    assert set_up(exchange, slippage_bps=3)["easy_to_borrow"] is False
    free = set_up(exchange, preset="free-data")
    assert (free["recent_sip"], free["stream_symbols"], free["easy_to_borrow"]) == (False, 30, True)
    old = set_up(exchange, preset="legacy-nested")
    assert (old["legacy_nested"], old["recent_sip"], old["data_requests_per_minute"]) == (True, True, 0)
    none = set_up(exchange, preset="none")
    assert (none["legacy_nested"], none["slippage_bps"]) == (False, 3)
    refused = httpx.post(f"{exchange.url}/_sim/settings", json={"preset": "live-1999"})
    assert (refused.status_code, "paper-2026" in refused.json()["message"]) == (422, True)


def test_without_the_old_field_the_sdk_reads_no_asset_at_all(exchange: Served) -> None:
    client = exchange.client()
    assert [asset.easy_to_borrow for asset in client.get_all_assets()] == [True, True]
    set_up(exchange, preset="paper-2026", easy_to_borrow=False)
    with pytest.raises(ValidationError, match="easy_to_borrow"):
        client.get_all_assets()
    rows = get(exchange, "/v2/assets").json()
    assert [row["borrow_status"] for row in rows] == ["easy_to_borrow"] * 2
    assert all("easy_to_borrow" not in row for row in rows)


def test_assets_are_told_as_the_venue_treats_them(exchange: Served) -> None:
    set_up(exchange, hard_to_borrow=["AAA"], not_fractionable=["AAA"], not_tradable=["BBB"], not_shortable=["BBB"])
    first, second = get(exchange, "/v2/assets").json()
    assert (first["borrow_status"], first["shortable"], first["fractionable"]) == ("hard_to_borrow", True, False)
    assert (second["tradable"], second["shortable"], second["easy_to_borrow"]) == (False, False, False)


def test_an_inactive_asset_is_shown_and_not_traded(exchange: Served) -> None:
    set_up(exchange, inactive=["AAA"])
    assert [(row["status"], row["tradable"]) for row in get(exchange, "/v2/assets").json()] == [
        ("inactive", False), ("active", True)
    ]  # fmt: skip
    with pytest.raises(APIError, match="is not active"):
        exchange.client().submit_order(limit("one"))


def test_a_free_plan_does_not_see_recent_consolidated_data(exchange: Served) -> None:
    exchange.advance(3600)
    set_up(exchange, preset="free-data")
    client = StockHistoricalDataClient("K", "S", url_override=exchange.url)
    now = datetime.fromtimestamp(exchange.desk.now, UTC)

    def bars(**more: Any) -> list[Any]:
        ask = StockBarsRequest(symbol_or_symbols="AAA", timeframe=FIVE, start=now - timedelta(hours=2), **more)
        found: list[Any] = client.get_stock_bars(ask)["AAA"]
        return found

    with pytest.raises(APIError) as raised:
        bars(end=now, feed="sip")
    assert raised.value.status_code == 403
    assert "subscription does not permit querying recent SIP data" in str(raised.value)
    assert bars(end=now, feed="iex")[-1].timestamp > now - timedelta(minutes=15)
    older = bars(end=now - timedelta(minutes=16), feed="sip")
    assert older[-1].timestamp <= now - timedelta(minutes=20)
    assert bars()[-1].timestamp == older[-1].timestamp


def test_a_free_plan_sees_the_latest_of_one_exchange(exchange: Served) -> None:
    set_up(exchange, preset="free-data")
    client = StockHistoricalDataClient("K", "S", url_override=exchange.url)
    assert client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAA", feed="iex"))
    assert client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAA"))
    with pytest.raises(APIError):
        client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAA", feed="sip"))
    for path in (
        "snapshots?symbols=AAA&",
        "AAA/snapshot?",
        "AAA/bars/latest?",
        "AAA/bars?timeframe=5Min&start=2026-06-15T13:30:30Z&",
    ):
        assert get(exchange, f"/v2/stocks/{path}feed=sip").status_code == 403
        assert get(exchange, f"/v2/stocks/{path}feed=radio").status_code == 400


@pytest.mark.parametrize("flag", ["trading_blocked", "account_blocked"])
def test_a_blocked_account_may_look_but_not_trade(exchange: Served, flag: str) -> None:
    client = exchange.client()
    set_up(exchange, **{flag: [KEY]})
    assert getattr(client.get_account(), flag) is True
    with pytest.raises(APIError) as raised:
        client.submit_order(limit("one"))
    assert (raised.value.status_code, raised.value.code) == (403, 40310000)
    assert raised.value.message == "account is not authorized to trade"
    exchange.client("else").submit_order(limit("two"))
    set_up(exchange, **{flag: []})
    client.submit_order(limit("one"))
