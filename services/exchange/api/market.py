"""Alpaca's routes about the market itself: clock, calendar, assets, screeners, corporate actions."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from fastapi import APIRouter, Response

from services.exchange.api import wire
from services.exchange.flow import World
from services.exchange.rules import calendar
from services.exchange.rules.permission import is_solid
from services.exchange.rules.tape import Asset
from shared.domain.session import MARKET_ZONE, at_market_time, trading_day
from shared.errors import BadInput

FIRST_DAY, LAST_DAY = date(2006, 1, 3), date(2035, 12, 31)
CORPORATE_ACTIONS = ("cash_dividends", "forward_splits", "reverse_splits", "name_changes", "spin_offs", "cash_mergers")


def asset_id(symbol: str) -> str:
    """The same for ever: made from the symbol."""
    return str(uuid5(NAMESPACE_URL, f"exchange/asset/{symbol}"))


def asset_row(world: World, asset: Asset) -> dict[str, Any]:
    """An asset as Alpaca describes it, and as the venue treats it. A delisted one turns inactive."""
    symbol, settings = asset.symbol, world.settings
    gone = symbol in settings.inactive or world.tape.delisted(symbol, world.clock.now)
    solid = is_solid(world.tape, symbol)
    shortable = solid and symbol not in settings.not_shortable
    easy = shortable and symbol not in settings.hard_to_borrow
    row: dict[str, Any] = {
        "id": asset_id(asset.symbol),
        "class": "us_equity",
        "exchange": asset.exchange,
        "symbol": symbol,
        "name": asset.name,
        "status": "inactive" if gone else "active",
        "tradable": not gone and symbol not in settings.not_tradable,
        "marginable": solid,
        "shortable": shortable,
        "easy_to_borrow": easy,
        "borrow_status": "easy_to_borrow" if easy else "hard_to_borrow",
        "fractionable": solid and symbol not in settings.not_fractionable,
        "margin_requirement_long": "30" if solid else "100",
        "margin_requirement_short": "30" if solid else "100",
        "maintenance_margin_requirement": 30 if solid else 100,
        "attributes": [],
    }
    if not settings.easy_to_borrow:
        del row["easy_to_borrow"]
    return row


def is_open_at(at: float) -> bool:
    """Regular hours, half days and holidays included."""
    day = trading_day(datetime.fromtimestamp(at, UTC))
    if not calendar.is_trading_day(day):
        return False
    opens, closes = at_market_time(day, calendar.OPEN), at_market_time(day, calendar.closing_time(day))
    return opens.timestamp() <= at < closes.timestamp()


def clock_row(at: float) -> dict[str, Any]:
    """`GET /v2/clock`, in the market's own offset."""
    now = datetime.fromtimestamp(at, MARKET_ZONE)
    days = list(calendar.trading_days(now.date(), now.date() + timedelta(days=12)))
    opens = (at_market_time(day, calendar.OPEN) for day in days)
    closes = (at_market_time(day, calendar.closing_time(day)) for day in days)
    return {
        "timestamp": now.isoformat(),
        "is_open": is_open_at(at),
        "next_open": next(t for t in opens if t > now).astimezone(MARKET_ZONE).isoformat(),
        "next_close": next(t for t in closes if t > now).astimezone(MARKET_ZONE).isoformat(),
    }


def calendar_row(day: date) -> dict[str, str]:
    """One trading day. Settlement is the next one (T+1)."""
    close = calendar.closing_time(day)
    return {
        "date": day.isoformat(),
        "open": calendar.OPEN.strftime("%H:%M"),
        "close": close.strftime("%H:%M"),
        "session_open": "0400",
        "session_close": "1700" if close == calendar.EARLY_CLOSE else "2000",
        "settlement_date": calendar.next_trading_day(day).isoformat(),
    }


def _day_of(text: str | None, default: date, name: str) -> date:
    try:
        return min(max(date.fromisoformat(text[:10]), FIRST_DAY), LAST_DAY) if text else default
    except ValueError as error:
        raise BadInput(f"invalid {name}: {text}", field=name) from error


def routes(world: World) -> APIRouter:
    """Clock, calendar, assets, screeners, corporate actions."""
    router = APIRouter(route_class=wire.AlpacaRoute, tags=["market"])
    _add_hours(router, world)
    _add_assets(router, world)
    _add_screeners(router, world)

    @router.get("/v1/corporate-actions", summary="Corporate actions: the tape has none")
    async def corporate_actions(symbols: str = "", start: str | None = None, end: str | None = None) -> Response:
        """Empty lists of every kind."""
        return wire.answer({"corporate_actions": {kind: [] for kind in CORPORATE_ACTIONS}, "next_page_token": None})

    return router


def _add_hours(router: APIRouter, world: World) -> None:
    @router.get("/v2/clock", summary="The time, and whether the market is open")
    async def clock() -> Response:
        """The simulated time."""
        return wire.answer(clock_row(world.clock.now))

    @router.get("/v2/calendar", summary="Trading days with their hours")
    async def days(start: str | None = None, end: str | None = None) -> Response:
        """Both ends included; half days close at 13:00."""
        first, last = _day_of(start, FIRST_DAY, "start"), _day_of(end, LAST_DAY, "end")
        return wire.answer([calendar_row(day) for day in calendar.trading_days(first, last)])


def _add_assets(router: APIRouter, world: World) -> None:
    @router.get("/v2/assets", summary="Every security")
    async def assets(
        status: str | None = None, asset_class: str | None = None, exchange: str | None = None, attributes: str = ""
    ) -> Response:
        """One array, not paged."""
        if asset_class not in (None, "", "us_equity"):
            return wire.answer([])
        rows = (asset_row(world, asset) for asset in world.tape.assets if exchange in (None, "", asset.exchange))
        return wire.answer([row for row in rows if status in (None, "", "all", row["status"])])

    @router.get("/v2/assets/{symbol}", summary="One security, by symbol or id")
    async def asset(symbol: str) -> Response:
        """404 for an unknown one."""
        found = world.tape.asset(symbol)
        if found is None and len(symbol) == 36:
            found = next((one for one in world.tape.assets if asset_id(one.symbol) == symbol), None)
        if found is None:
            return wire.answer({"code": 40410000, "message": f"asset not found for {symbol}"}, 404)
        return wire.answer(asset_row(world, found))


def _add_screeners(router: APIRouter, world: World) -> None:
    prefix = "/v1beta1/screener/stocks"

    @router.get(f"{prefix}/most-actives", summary="Most traded symbols of the day")
    async def most_actives(top: int = 10, by: str = "volume") -> Response:
        """By volume or by trades; before the open nothing has traded."""
        if not 1 <= top <= 100:
            raise BadInput("invalid top: must be between 1 and 100", field="top")
        volume = world.board.day_volume
        best = [int(i) for i in np.argsort(-volume, kind="stable")[:top] if volume[i] > 0]
        rows = [
            {
                "symbol": world.tape.assets[i].symbol,
                "volume": int(volume[i]),
                "trade_count": max(1, int(volume[i]) // wire.SHARES_PER_TRADE),
            }
            for i in best
        ]
        return wire.answer({"most_actives": rows, "last_updated": wire.stamp(float(int(world.clock.now)))})

    @router.get(f"{prefix}/movers", summary="Largest moves since the previous close")
    async def movers(top: int = 10) -> Response:
        """Of names that have traded today."""
        if not 1 <= top <= 50:
            raise BadInput("invalid top: must be between 1 and 50", field="top")
        gainers, losers = _movers(world, top)
        now = wire.stamp(float(int(world.clock.now)))
        return wire.answer({"gainers": gainers, "losers": losers, "market_type": "stocks", "last_updated": now})


def _movers(world: World, top: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    board = world.board
    change = np.where(board.traded, board.last / board.previous_close - 1.0, np.nan)
    order = np.argsort(change, kind="stable")
    order = order[np.isfinite(change[order])]

    def row(i: int) -> dict[str, Any]:
        price, before = float(board.last[i]), float(board.previous_close[i])
        return {
            "symbol": world.tape.assets[i].symbol,
            "price": round(price, 4),
            "change": round(price - before, 4),
            "percent_change": round((price / before - 1.0) * 100, 2),
        }

    gainers = [row(int(i)) for i in order[::-1][:top] if change[i] > 0]
    return gainers, [row(int(i)) for i in order[:top] if change[i] < 0]
