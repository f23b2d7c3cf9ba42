"""The data routes, driven by the unmodified SDK over a real socket."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import polars as pl
import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import NewsClient, ScreenerClient, StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import (
    CorporateActionsRequest,
    MarketMoversRequest,
    MostActivesRequest,
    NewsRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AssetClass, AssetStatus
from alpaca.trading.requests import GetAssetsRequest, GetCalendarRequest

from tests.exchange.conftest import NAMES, Served

KEYS = {"APCA-API-KEY-ID": "K", "APCA-API-SECRET-KEY": "S"}
MINUTE, FIVE = TimeFrame.Minute, TimeFrame(5, TimeFrameUnit.Minute)
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")


def advance(exchange: Served, seconds: float) -> datetime:
    answer = httpx.post(f"{exchange.url}/_sim/clock/advance", json={"seconds": seconds}).raise_for_status().json()
    return datetime.fromisoformat(answer["now"])


def data(exchange: Served) -> StockHistoricalDataClient:
    return StockHistoricalDataClient("K", "S", url_override=exchange.url)


def get(exchange: Served, path: str, **params: Any) -> httpx.Response:
    return httpx.get(exchange.url + path, params=params, headers=KEYS)


def rows(exchange: Served, symbol: str) -> list[Any]:
    low, high = exchange.world.tape.bars.rows(exchange.world.tape.index[symbol])
    return [exchange.world.tape.bar(row) for row in range(low, high)]


def test_clock_calendar_and_half_days(exchange: Served) -> None:
    trading = TradingClient("K", "S", url_override=exchange.url)
    clock = trading.get_clock()
    assert (clock.is_open, clock.next_close.isoformat()) == (True, "2026-06-15T16:00:00-04:00")  # type: ignore[union-attr]
    days = trading.get_calendar(GetCalendarRequest(start=date(2026, 11, 25), end=date(2026, 11, 30)))
    assert [(d.date.day, d.close.hour) for d in days] == [(25, 16), (27, 13), (30, 16)]  # type: ignore[union-attr]
    advance(exchange, 6.5 * 3600)
    assert get(exchange, "/v2/clock").json() == {
        "timestamp": "2026-06-15T16:00:00-04:00",
        "is_open": False,
        "next_open": "2026-06-16T09:30:00-04:00",
        "next_close": "2026-06-16T16:00:00-04:00",
    }
    assert get(exchange, "/v2/calendar", start="soon").status_code == 400


def test_assets_as_the_sdk_reads_them(exchange: Served) -> None:
    trading = TradingClient("K", "S", url_override=exchange.url)
    wanted = GetAssetsRequest(status=AssetStatus.ACTIVE, asset_class=AssetClass.US_EQUITY)
    assets: Any = trading.get_all_assets(wanted)
    assert len(assets) == len(exchange.world.tape.assets) > NAMES
    apple: Any = trading.get_asset("AAPL")
    assert (apple.symbol, apple.exchange.value, apple.tradable, apple.easy_to_borrow) == ("AAPL", "NASDAQ", True, True)
    assert trading.get_asset(str(apple.id)) == apple
    with pytest.raises(APIError) as refused:
        trading.get_asset("NOSUCH")
    assert (refused.value.status_code, refused.value.code) == (404, 40410000)
    gone = next(iter(exchange.world.tape.delistings))
    advance(exchange, exchange.world.tape.delistings[gone] - exchange.world.clock.now)
    assert get(exchange, f"/v2/assets/{gone}").json()["status"] == "inactive"
    assert gone not in [row["symbol"] for row in get(exchange, "/v2/assets", status="active").json()]
    assert get(exchange, "/v2/assets", asset_class="crypto").json() == []


def test_snapshots_are_built_of_completed_bars_and_the_running_open(exchange: Served) -> None:
    now = advance(exchange, 10 * 60 + 20)
    found: Any = data(exchange).get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["AAPL", "SPY", "NOSUCH"]))
    assert set(found) == {"AAPL", "SPY"}
    snapshot, bars = found["AAPL"], rows(exchange, "AAPL")
    assert snapshot.latest_trade.price == bars[10].open
    assert timedelta(0) <= now - snapshot.latest_trade.timestamp <= timedelta(seconds=60)
    assert snapshot.latest_quote.bid_price < snapshot.latest_quote.ask_price
    assert snapshot.latest_quote.timestamp == now
    assert snapshot.minute_bar.close == bars[9].close
    day = snapshot.daily_bar
    assert (day.open, day.close) == (bars[0].open, bars[10].open)
    assert day.high == max(*(bar.high for bar in bars[:10]), bars[10].open)
    assert day.low == min(*(bar.low for bar in bars[:10]), bars[10].open)
    assert day.volume == sum(bar.volume for bar in bars[:10])
    assert day.low <= day.vwap <= day.high
    assert snapshot.previous_daily_bar.close == exchange.world.tape.previous_close("AAPL")
    assert snapshot.previous_daily_bar.timestamp.date() == date(2026, 6, 12)
    one = get(exchange, "/v2/stocks/AAPL/snapshot").json()
    assert one["latestTrade"]["p"] == bars[10].open
    assert get(exchange, "/v2/stocks/NOSUCH/snapshot").status_code == 404


def test_before_the_open_only_yesterday_is_known(serve: Any) -> None:
    exchange: Served = serve(start="09:00")
    found: Any = data(exchange).get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="MSFT"))
    snapshot = found["MSFT"]
    assert snapshot.daily_bar is snapshot.minute_bar is None
    assert snapshot.latest_trade.price == snapshot.previous_daily_bar.close
    assert get(exchange, "/v1beta1/screener/stocks/most-actives").json()["most_actives"] == []
    assert get(exchange, "/v2/stocks/bars", symbols="MSFT", timeframe="5Min").json()["bars"] == {}


def test_latest_trades_quotes_and_bars(exchange: Served) -> None:
    advance(exchange, 65)
    client, symbols = data(exchange), ["NVDA", "TSLA"]
    trades: Any = client.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=symbols))
    quotes: Any = client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=symbols))
    bars: Any = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=symbols))
    for symbol in symbols:
        first, second = rows(exchange, symbol)[:2]
        assert trades[symbol].price == second.open
        assert quotes[symbol].bid_price <= second.open <= quotes[symbol].ask_price
        assert bars[symbol].close == first.close
    assert get(exchange, "/v2/stocks/NVDA/quotes/latest").json()["quote"]["bp"] == quotes["NVDA"].bid_price
    assert get(exchange, "/v2/stocks/NOSUCH/trades/latest").status_code == 404


def test_bars_at_the_tape_s_own_step_and_resampled(exchange: Served) -> None:
    advance(exchange, 3600 + 30)
    tape_rows = rows(exchange, "SPY")
    minutes: Any = data(exchange).get_stock_bars(StockBarsRequest(symbol_or_symbols="SPY", timeframe=MINUTE))
    assert [bar.close for bar in minutes["SPY"]] == [bar.close for bar in tape_rows[:60]]
    fives: Any = data(exchange).get_stock_bars(StockBarsRequest(symbol_or_symbols="SPY", timeframe=FIVE))
    assert len(fives["SPY"]) == 12
    for k, bar in enumerate(fives["SPY"]):
        part = tape_rows[5 * k : 5 * k + 5]
        assert (bar.open, bar.close) == (part[0].open, part[-1].close)
        assert (bar.high, bar.low) == (max(b.high for b in part), min(b.low for b in part))
        assert bar.volume == sum(b.volume for b in part)
        assert bar.timestamp.timestamp() == part[0].start
    hours = get(exchange, "/v2/stocks/bars", symbols="SPY", timeframe="1Hour").json()["bars"]["SPY"]
    assert [bar["t"] for bar in hours] == ["2026-06-15T13:00:00Z", "2026-06-15T14:00:00Z"]


def test_daily_bars_end_with_today_as_it_forms(exchange: Served) -> None:
    advance(exchange, 90)
    start = datetime(2026, 6, 10, tzinfo=UTC)
    found: Any = data(exchange).get_stock_bars(
        StockBarsRequest(symbol_or_symbols=["AAPL", "SPY"], timeframe=TimeFrame.Day, start=start)
    )
    assert [bar.timestamp.date().day for bar in found["AAPL"]] == [10, 11, 12, 15]
    first, second = rows(exchange, "AAPL")[:2]
    today = found["AAPL"][-1]
    assert (today.open, today.close, today.volume) == (first.open, second.open, first.volume)
    weeks = get(exchange, "/v2/stocks/bars", symbols="AAPL", timeframe="1Week", start="2026-05-25").json()["bars"][
        "AAPL"
    ]
    assert [bar["t"][:10] for bar in weeks] == ["2026-05-25", "2026-06-01", "2026-06-08", "2026-06-15"]
    months = get(exchange, "/v2/stocks/bars", symbols="AAPL", timeframe="1Month", start="2026-01-01").json()["bars"]
    assert [bar["t"][:10] for bar in months["AAPL"]][-2:] == ["2026-05-01", "2026-06-01"]


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 7, 60, 120])
def test_pages_join_to_the_whole(exchange: Served, sort: str, limit: int) -> None:
    advance(exchange, 3600)
    ask = {"symbols": "SPY,AAPL,TSLA", "timeframe": "5Min", "sort": sort}
    whole = get(exchange, "/v2/stocks/bars", **ask).json()
    assert (whole["next_page_token"], list(whole["bars"])) == (None, ["AAPL", "SPY", "TSLA"])
    joined: dict[str, list[Any]] = {}
    token, pages = "", 0
    while token is not None:
        page = get(exchange, "/v2/stocks/bars", **ask, limit=limit, page_token=token).json()
        assert sum(map(len, page["bars"].values())) <= limit
        for symbol, bars in page["bars"].items():
            joined.setdefault(symbol, []).extend(bars)
        token, pages = page["next_page_token"], pages + 1
    assert joined == whole["bars"]
    assert pages == -(-36 // limit)
    single = get(exchange, "/v2/stocks/SPY/bars", timeframe="5Min", sort=sort).json()
    assert (single["symbol"], single["bars"]) == ("SPY", whole["bars"]["SPY"])


def test_news_is_filtered_sorted_and_paged(exchange: Served) -> None:
    advance(exchange, 2 * 3600)
    client = NewsClient("K", "S", url_override=exchange.url)
    found: Any = client.get_news(NewsRequest())
    everything = found.data["news"]
    known = exchange.world.tape.news_until(exchange.world.clock.now)
    assert [item.id for item in everything] == [item.id for item in reversed(known)]
    assert len(everything) > 12
    symbol = everything[0].symbols[0]
    found = client.get_news(NewsRequest(symbols=symbol, limit=50))
    about = found.data["news"]
    assert about
    assert all(symbol in item.symbols for item in about)
    joined, token = [], ""
    while token is not None:
        page = get(exchange, "/v1beta1/news", limit=5, sort="asc", page_token=token).json()
        joined += [item["id"] for item in page["news"]]
        token = page["next_page_token"]
    assert joined == [item.id for item in known]
    window = get(exchange, "/v1beta1/news", start="2026-06-15T13:30:00Z", limit=50).json()["news"]
    assert all(item["created_at"] >= "2026-06-15T13:30:00Z" for item in window)
    assert get(exchange, "/v1beta1/news", limit=51).status_code == 400
    assert get(exchange, "/v1beta1/news", exclude_contentless="True").json()["news"] == []


def test_screeners_and_corporate_actions(exchange: Served) -> None:
    advance(exchange, 1800)
    client = ScreenerClient("K", "S", url_override=exchange.url)
    movers: Any = client.get_market_movers(MarketMoversRequest(top=5))
    changes = [row.percent_change for row in movers.gainers]
    assert changes == sorted(changes, reverse=True)
    assert all(row.percent_change < 0 for row in movers.losers)
    actives: Any = client.get_most_actives(MostActivesRequest(top=3))
    volumes = [row.volume for row in actives.most_actives]
    assert volumes == sorted(volumes, reverse=True)
    assert len(volumes) == 3
    actions: Any = CorporateActionsClient("K", "S", url_override=exchange.url).get_corporate_actions(
        CorporateActionsRequest(symbols=["AAPL"], start=date(2026, 6, 1))
    )
    assert all(not found for found in actions.data.values())
    assert get(exchange, "/v1beta1/screener/stocks/movers", top=51).status_code == 400


@pytest.mark.parametrize(
    ("path", "params", "says"),
    [
        ("/v2/stocks/bars", {"symbols": "AAPL", "limit": 10_001}, "larger than the allowed maximum of 10000"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "limit": 0}, "invalid limit"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "limit": "many"}, "invalid limit"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "timeframe": "7Days"}, "invalid timeframe"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "timeframe": "60Min"}, "invalid timeframe"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "start": "yesterday"}, "invalid start"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "end": "2026-06-15T13:30:00"}, "no offset"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "page_token": "?!"}, "invalid page_token"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "sort": "up"}, "invalid sort"),
        ("/v2/stocks/bars", {}, "symbols is required"),
        ("/v2/stocks/snapshots", {"symbols": "AAPL,b@d"}, "invalid symbol: b@d"),
    ],
)
def test_what_is_wrong_is_said_in_alpaca_s_way(exchange: Served, path: str, params: dict[str, Any], says: str) -> None:
    refused = get(exchange, path, **params)
    assert refused.status_code == 400
    assert says in refused.json()["message"]


def test_keys_are_asked_for_and_work_is_counted(exchange: Served) -> None:
    bare = httpx.get(f"{exchange.url}/v2/clock")
    assert (bare.status_code, bare.headers["content-type"].split(";")[0]) == (401, "text/html")
    empty = httpx.get(f"{exchange.url}/v2/clock", headers={"APCA-API-KEY-ID": "", "APCA-API-SECRET-KEY": "x"})
    assert (empty.status_code, empty.json()) == (401, {"message": "unauthorized."})
    before = httpx.get(f"{exchange.url}/_sim/stats").json()
    get(exchange, "/v2/assets")
    after = httpx.get(f"{exchange.url}/_sim/stats").json()
    assert after["requests"] == before["requests"] + 1
    assert after["busy_seconds"] > before["busy_seconds"]


def test_the_tape_describes_itself(exchange: Served) -> None:
    told = httpx.get(f"{exchange.url}/_sim/tape").json()
    assert (told["day"], told["bar_minutes"], told["symbols"]) == ("2026-06-15", 1, len(exchange.world.tape.assets))
    assert (told["bars"], told["earlier_bars"]) == (len(exchange.world.tape.bars.time), 0)
    universe = pl.DataFrame(httpx.get(f"{exchange.url}/_sim/tape/universe").json())
    assert universe.filter(pl.col("symbol") == "AAPL")["sector"].to_list() == ["Technology"]


def test_a_coarse_tape_says_which_timeframes_it_cannot_make() -> None:
    from services.exchange.rules.candles import check_timeframe, timeframe_of
    from shared.errors import BadInput
    from tests.exchange.venues import flat_bars, tape_of

    tape = tape_of({"AAA": flat_bars()})
    check_timeframe(tape, timeframe_of("15Min"))
    check_timeframe(tape, timeframe_of("1Day"))
    for text in ("1Min", "12T"):
        with pytest.raises(BadInput, match="cannot be made from this tape's 5-minute bars"):
            check_timeframe(tape, timeframe_of(text))


def test_an_edited_item_reads_so_from_then_on_and_comes_up_again(exchange: Served) -> None:
    advance(exchange, 2 * 3600)
    first = get(exchange, "/v1beta1/news", limit=50, sort="asc").json()["news"][0]
    now = get(exchange, "/v2/clock").json()["timestamp"]
    edit = {"id": first["id"], "headline": "CORRECTION: no", "symbols": ["SPY"], "summary": "so"}
    assert httpx.post(f"{exchange.url}/_sim/news", json=edit).status_code == 200
    assert httpx.post(f"{exchange.url}/_sim/news", json={"id": 10**9, "headline": "New"}).status_code == 200
    advance(exchange, 60)
    page = get(exchange, "/v1beta1/news", limit=50, start=now).json()["news"]
    new, edited = page[0], page[1]
    assert (edited["id"], edited["headline"], edited["symbols"]) == (first["id"], "CORRECTION: no", ["SPY"])
    assert edited["created_at"] == first["created_at"] < edited["updated_at"]
    assert (new["id"], new["created_at"]) == (10**9, new["updated_at"])
    assert first["id"] not in [
        one["id"] for one in get(exchange, "/v1beta1/news", end=first["created_at"]).json()["news"]
    ]
    for wrong in ({"id": 77}, {"id": 0, "headline": "x"}, edit | {"at": "2020-01-01T00:00:00Z"}, edit | {"colour": 1}):
        assert httpx.post(f"{exchange.url}/_sim/news", json=wrong).status_code == 400
