"""The shapes of Alpaca's market data, only the fields that are read, and their way into columns."""

from collections.abc import Sequence
from datetime import date, datetime, time
from itertools import chain
from typing import Annotated

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from shared.domain.market import Asset, Bars, BarTable, Floats, Snapshots
from shared.domain.price import sets_prices
from shared.domain.session import Session, session_from_hours, trading_day
from shared.one_by_one import UNREADABLE, Table, left_out, row_of, rows_of

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class TradeRow(msgspec.Struct, gc=False):
    p: float | None = None
    t: Moment | None = None
    s: float | None = None
    c: tuple[str, ...] | None = None


class QuoteRow(msgspec.Struct, gc=False):
    bp: float | None = None
    ap: float | None = None
    t: Moment | None = None


class DayBar(msgspec.Struct, gc=False):
    t: str | None = None
    o: float | None = None
    h: float | None = None
    l: float | None = None  # noqa: E741 - Alpaca's name
    c: float | None = None
    v: float | None = None
    vw: float | None = None


class Bar(msgspec.Struct, gc=False):
    t: str
    o: float
    h: float
    l: float  # noqa: E741 - Alpaca's name
    c: float
    v: float


class Snapshot(msgspec.Struct, rename="camel", gc=False):
    latest_trade: TradeRow | None = None
    latest_quote: QuoteRow | None = None
    daily_bar: DayBar | None = None
    prev_daily_bar: DayBar | None = None


class BarPage(msgspec.Struct):
    bars: dict[str, list[Bar] | None] | None = None
    next_page_token: str | None = None


class _RawBarPage(msgspec.Struct):
    bars: dict[str, list[msgspec.Raw] | None] | None = None
    next_page_token: str | None = None


class AssetRow(msgspec.Struct, rename={"kind": "class"}):
    symbol: str
    kind: str = "us_equity"
    name: str | None = None
    exchange: str | None = None
    status: str | None = None
    tradable: bool | None = None
    fractionable: bool | None = None
    shortable: bool | None = None
    attributes: list[str] | None = None


class ClockRow(msgspec.Struct):
    timestamp: Moment


class SectorRow(msgspec.Struct):
    symbol: str
    sector: str | None = None


class DayHours(msgspec.Struct):
    date: date
    open: str
    close: str


Page = dict[str, list[Bar] | None]
SnapshotPage = dict[str, Snapshot | None]
SNAPSHOTS = Table("snapshots", msgspec.json.Decoder(SnapshotPage), msgspec.json.Decoder(Snapshot | None))
QUOTES = Table(
    "quotes", msgspec.json.Decoder(dict[str, QuoteRow | None]), msgspec.json.Decoder(QuoteRow | None), key="quotes"
)
TRADES = Table(
    "trades", msgspec.json.Decoder(dict[str, TradeRow | None]), msgspec.json.Decoder(TradeRow | None), key="trades"
)
ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_BAR_PAGE, _RAW_BARS = msgspec.json.Decoder(BarPage), msgspec.json.Decoder(_RawBarPage)
_BAR = msgspec.json.Decoder(Bar)
_ASSET = msgspec.json.Decoder(AssetRow)
CLOCK = msgspec.json.Decoder(ClockRow)
_SECTOR = msgspec.json.Decoder(SectorRow)
HOURS = msgspec.json.Decoder(list[DayHours])
log = structlog.get_logger()
_NO_SNAPSHOT, _NO_TRADE, _NO_QUOTE, _NO_DAY = Snapshot(), TradeRow(), QuoteRow(), DayBar()


def asset_of(raw: msgspec.Raw) -> Asset | None:
    """One row of the asset list; None when it cannot be read or is no US equity."""
    try:
        row = row_of(raw, _ASSET)
    except UNREADABLE:
        return None
    if row.kind != "us_equity" or not row.symbol:
        return None
    return Asset(
        symbol=row.symbol,
        name=row.name or "",
        exchange=row.exchange or "",
        tradable=bool(row.tradable),
        active=row.status == "active",
        fractionable=bool(row.fractionable),
        shortable=bool(row.shortable),
        attributes=tuple(row.attributes or ()),
    )


def sectors_of(raws: Sequence[msgspec.Raw]) -> dict[str, str]:
    """Sector by symbol, of the rows that can be read. Raises msgspec.ValidationError when none can."""
    return {row.symbol: row.sector for row in rows_of(raws, _SECTOR, "sectors").read if row.sector}


def session_of(day: DayHours) -> Session:
    """A trading day; the calendar's hours are the market's wall clock, "09:30" or "0930". Raises ValueError."""
    walls = (text.replace(":", "") for text in (day.open, day.close))
    opens, closes = (time(int(digits[:2]), int(digits[2:4])) for digits in walls)
    if opens >= closes:
        raise ValueError(f"{day.date} opens at {day.open} and closes at {day.close}")
    return session_from_hours(day.date, opens, closes)


class _BarPages:
    """Decodes a page of bars; a bar that cannot be read is left out."""

    def decode(self, body: bytes) -> BarPage:
        """Raises what decoding raises, and msgspec.ValidationError when no bar of the page can be read."""
        try:
            return _BAR_PAGE.decode(body)
        except UNREADABLE:
            raw = _RAW_BARS.decode(body)
        troubles, found, count = list[str](), dict[str, list[Bar] | None](), 0
        for symbol, rows in (raw.bars or {}).items():
            read = list[Bar]()
            for row in rows or ():
                try:
                    read.append(row_of(row, _BAR))
                except UNREADABLE as error:
                    troubles.append(f"{symbol[:20]}: {error}"[:200])
            found[symbol], count = read, count + len(rows or ())
        left_out("bars", count, troubles)
        return BarPage(found, raw.next_page_token)


BARS = _BarPages()


def trading_days(stamps: Sequence[str | None]) -> Floats:
    """The market's day of each stamp as days since 0001-01-01 (date.toordinal); NaN where it is missing or no time."""
    days = {stamp: _trading_day(stamp) for stamp in set(stamps)}
    return np.array([days[stamp] for stamp in stamps], dtype=np.float64)


def _trading_day(stamp: str | None) -> float:
    try:
        at = datetime.fromisoformat(stamp or "")
        return float(trading_day(at).toordinal()) if at.tzinfo is not None else float("nan")
    except (ValueError, OverflowError):
        return float("nan")


def snapshot_columns(symbols: Sequence[str], found: SnapshotPage) -> Snapshots:
    """One row for each symbol asked, in the order asked; what is missing is NaN, a quote side of zero stays zero.

    A list for each column: a tuple for each symbol took three times as long, on the way of every scan.
    """
    rows = [found.get(symbol) or _NO_SNAPSHOT for symbol in symbols]
    trades = [row.latest_trade or _NO_TRADE for row in rows]
    quotes = [row.latest_quote or _NO_QUOTE for row in rows]
    days, before = [row.daily_bar or _NO_DAY for row in rows], [row.prev_daily_bar or _NO_DAY for row in rows]
    price, size = (np.array(part, dtype=np.float64) for part in ([t.p for t in trades], [t.s for t in trades]))
    columns = (
        price,
        [None if trade.t is None else trade.t.timestamp() for trade in trades],
        sets_prices(price, size, [trade.c for trade in trades]),
        *([quote.bp for quote in quotes], [quote.ap for quote in quotes]),
        [None if quote.t is None else quote.t.timestamp() for quote in quotes],
        trading_days([day.t for day in days]),
        *([day.o for day in days], [day.h for day in days], [day.l for day in days], [day.v for day in days]),
        *([day.vw for day in days], trading_days([day.t for day in before])),
        *([day.c for day in before], [day.v for day in before]),
    )
    return Snapshots(tuple(symbols), *(np.array(column, dtype=np.float64) for column in columns))


def _starts(rows: list[Bar]) -> Floats:
    """Opening times in epoch seconds, NaN for what is no time; the slow way only for stamps that are not plain UTC."""
    try:
        stamps: NDArray[np.bytes_] = np.array([row.t for row in rows], dtype="S20")
        if (stamps.view("S1").reshape(-1, 20)[:, 19] == b"Z").all():
            return stamps.astype("S19").astype("datetime64[s]").astype(np.float64)
    except ValueError:
        log.warning("bars_without_a_time", rows=len(rows))
    return np.array([_epoch(row.t) for row in rows], dtype=np.float64)


def _epoch(stamp: str) -> float:
    """Epoch seconds; NaN for what is no time, or names no offset."""
    try:
        at = datetime.fromisoformat(stamp)
        return at.timestamp() if at.tzinfo is not None else float("nan")
    except (ValueError, OverflowError):
        return float("nan")


def add_page(
    table: BarTable,
    page: Page,
    first: float,
    last: float,
    step: float,
    hours: tuple[Floats, Floats] | None,
) -> None:
    """Put a page's bars that open in [first, last), in regular hours where given, behind those already there."""
    lists = {symbol: rows for symbol, rows in page.items() if rows}
    rows = list(chain.from_iterable(lists.values()))
    if not rows:
        return
    start = _starts(rows)
    keep = (start >= first) & (start < last)
    if hours is not None:
        opens, closes = hours
        day = np.searchsorted(opens, start + step, side="left") - 1
        keep &= (day >= 0) & (start < (closes[day] if len(closes) else start))
    values = np.array([(row.o, row.h, row.l, row.c, row.v) for row in rows], dtype=np.float64)
    ends = np.cumsum([len(part) for part in lists.values()])
    kept = np.concatenate(([0], np.cumsum(keep)))
    start, columns = start[keep], np.ascontiguousarray(values[keep].T)
    begin = 0
    for symbol, end in zip(lists, ends.tolist(), strict=True):
        part = slice(int(kept[begin]), int(kept[end]))
        begin = end
        if part.start < part.stop:
            bars = Bars(symbol, start[part], *(column[part] for column in columns))
            table[symbol] = _joined(table[symbol], bars) if symbol in table else bars


def _joined(before: Bars, after: Bars) -> Bars:
    """One symbol whose bars lay on two pages."""
    names = ("start", "open", "high", "low", "close", "volume")
    columns = (np.concatenate((getattr(before, name), getattr(after, name))) for name in names)
    return Bars(before.symbol, *columns)
