"""Records real market days from Alpaca's REST interface, with the operator's own keys, as a tape.

What has been fetched is kept in `<folder>/.parts` until the tape is whole, so a recording that was cut off goes on
where it stood. Alpaca's terms allow personal use: recordings are not to be passed on.
"""

import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import polars as pl

from scripts.tapes.files import TABLES, Progress, manifest_of, silent, write_tape
from shared.domain.session import at_market_time
from shared.errors import BadInput, BrokerRefused, Unavailable

CHUNK, PAGE_ROWS, PAGE_NEWS = 200, 10_000, 50
NEWS_DAYS_BEFORE = 5
ATTEMPTS = 6
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """What to record. Days are both included; `per_minute` requests at most, Alpaca's free plan allows 200.

    `include_inactive` also asks for what is no longer listed: no survivors' bias, and many more requests.
    """

    first: date
    last: date
    data_url: str = "https://data.alpaca.markets"
    trading_url: str = "https://paper-api.alpaca.markets"
    feed: str = "sip"
    bar_minutes: int = 1
    history_days: int = 180
    symbols: tuple[str, ...] = ()
    include_inactive: bool = False
    per_minute: int = 180


class Source:
    """Alpaca, asked patiently: paced, asked again when it is busy or away, every page followed."""

    def __init__(self, recording: Recording, key: str, secret: str) -> None:
        headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        self._http = httpx.Client(headers=headers, timeout=60, trust_env=False)
        self._pause = 60.0 / recording.per_minute
        self._still = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, url: str, **params: Any) -> Any:
        """The answer's JSON. Raises BrokerRefused for a refusal, Unavailable when it keeps failing."""
        failure = ""
        for attempt in range(ATTEMPTS):
            self._still.wait(self._pause if attempt == 0 else min(60.0, 2.0**attempt))
            try:
                response = self._http.get(url, params={k: v for k, v in params.items() if v not in (None, "")})
            except httpx.HTTPError as error:
                failure = f"{type(error).__name__}: {error}"
                continue
            if response.is_success:
                return response.json()
            failure = f"{response.status_code} {response.text[:200]}"
            if response.status_code != 429 and response.status_code < 500:
                raise BrokerRefused(f"{url}: {failure}", status=response.status_code, code=None)
        raise Unavailable(f"{url} failed {ATTEMPTS} times, last with {failure}")

    def pages(self, url: str, **params: Any) -> Iterator[Any]:
        """Every page of a market-data answer."""
        token: str | None = ""
        while token is not None:
            page = self.get(url, **params, page_token=token)
            yield page
            token = page["next_page_token"]


class Parts:
    """Pieces of the tape that are already on disk."""

    def __init__(self, folder: Path, recording: Recording) -> None:
        self.folder = folder / ".parts"
        order = json.dumps(asdict(recording), default=str, sort_keys=True)
        noted = self.folder / "recording.json"
        if noted.is_file() and noted.read_text(encoding="utf-8") != order:
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        noted.write_text(order, encoding="utf-8")

    def has(self, name: str) -> bool:
        return (self.folder / f"{name}.parquet").is_file()

    def put(self, name: str, table: str, rows: Sequence[Row]) -> None:
        """All or nothing: written aside, then renamed."""
        fresh = self.folder / f"{name}.new"
        pl.DataFrame(rows, schema=TABLES[table], orient="row").write_parquet(fresh)
        fresh.replace(self.folder / f"{name}.parquet")

    def take(self, table: str) -> pl.DataFrame:
        """Everything recorded of one table."""
        found = sorted(self.folder.glob(f"{table}-*.parquet"))
        frames = [pl.read_parquet(path) for path in found]
        return pl.concat(frames) if frames else pl.DataFrame(schema=TABLES[table])


def record(
    folder: Path,
    recording: Recording,
    *,
    key: str,
    secret: str,
    sectors: Mapping[str, tuple[str, str, float]] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Fetch what is missing, write the tape, and return its manifest.

    `sectors` maps a symbol to (sector, industry, market value USD): Alpaca does not tell those. Raises BadInput when
    there is no trading day in the span, BrokerRefused for wrong keys or a plan that lacks the feed, Unavailable.
    """
    parts = Parts(folder, recording)
    with Source(recording, key, secret) as source:
        sessions = _sessions(source, recording)
        if not parts.has("universe-0"):
            progress("assets", 0.0)
            parts.put("universe-0", "universe", _assets(source, recording, sectors or {}))
        symbols = parts.take("universe")["symbol"].to_list()
        _record_daily(source, recording, parts, symbols, progress)
        for number, session in enumerate(sessions):
            _record_bars(source, recording, parts, symbols, session, progress, (number, len(sessions)))
        _record_news(source, recording, parts, progress)
    progress("writing", 0.98)
    tables = {name: parts.take(name) for name in TABLES}
    tables["daily"] = tables["daily"].unique(["symbol", "date"], keep="first").sort("symbol", "date")
    tables["bars"] = tables["bars"].unique(["symbol", "start"], keep="first").sort("symbol", "start")
    tables["news"] = tables["news"].unique("id", keep="first").sort("published_at", "id")
    name = f"recorded-{recording.first}-{recording.last}"
    notes = f"Recorded from {recording.data_url}, feed {recording.feed}, unadjusted."
    days = [opens.date() for opens, _ in sessions]
    manifest = manifest_of(name, "recorded", days, recording.bar_minutes, tables, notes)
    write_tape(folder, tables, manifest)
    shutil.rmtree(parts.folder)
    progress("done", 1.0)
    return manifest


def _sessions(source: Source, recording: Recording) -> list[tuple[datetime, datetime]]:
    """Regular hours of each trading day in the span."""
    span = {"start": str(recording.first), "end": str(recording.last)}
    rows = source.get(f"{recording.trading_url}/v2/calendar", **span)
    if not rows:
        raise BadInput(f"no trading day from {recording.first} to {recording.last}", field="first")
    return [
        (
            at_market_time(date.fromisoformat(row["date"]), time.fromisoformat(row["open"])),
            at_market_time(date.fromisoformat(row["date"]), time.fromisoformat(row["close"])),
        )
        for row in rows
    ]


def _assets(source: Source, recording: Recording, sectors: Mapping[str, tuple[str, str, float]]) -> list[Row]:
    status = None if recording.include_inactive else "active"
    rows = source.get(f"{recording.trading_url}/v2/assets", status=status, asset_class="us_equity")
    wanted = set(recording.symbols)
    found: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (row["symbol"], row["status"] != "active")):
        if row["symbol"] in found or (wanted and row["symbol"] not in wanted):
            continue
        sector, industry, cap = sectors.get(row["symbol"], ("", "", 0.0))
        text = {"symbol": row["symbol"], "name": row["name"] or "", "exchange": row["exchange"]}
        found[row["symbol"]] = {**text, "sector": sector, "industry": industry, "market_cap": cap}
    return list(found.values())


def _chunks(symbols: Sequence[str]) -> Iterator[tuple[int, str]]:
    for first in range(0, len(symbols), CHUNK):
        yield first, ",".join(symbols[first : first + CHUNK])


def _bars(
    source: Source, recording: Recording, chunk: str, timeframe: str, start: datetime, end: datetime
) -> list[Row]:
    """Rows with `t` as an aware time."""
    rows: list[Row] = []
    for page in source.pages(
        f"{recording.data_url}/v2/stocks/bars",
        symbols=chunk,
        timeframe=timeframe,
        start=start.isoformat(),
        end=end.isoformat(),
        limit=PAGE_ROWS,
        adjustment="raw",
        feed=recording.feed,
    ):
        for symbol, bars in (page["bars"] or {}).items():
            rows += [
                {
                    "symbol": symbol,
                    "t": datetime.fromisoformat(bar["t"]),
                    "open": bar["o"],
                    "high": bar["h"],
                    "low": bar["l"],
                    "close": bar["c"],
                    "volume": int(bar["v"]),
                }
                for bar in bars
            ]
    return rows


def _record_daily(
    source: Source, recording: Recording, parts: Parts, symbols: Sequence[str], progress: Progress
) -> None:
    start = at_market_time(recording.first - timedelta(days=recording.history_days), time())
    end = at_market_time(recording.last, time(23, 59))
    for first, chunk in _chunks(symbols):
        progress("daily bars", 0.02 + 0.18 * first / len(symbols))
        if not parts.has(f"daily-{first}"):
            rows = _bars(source, recording, chunk, "1Day", start, end)
            parts.put(f"daily-{first}", "daily", [_stamped(row, "date", row["t"].date()) for row in rows])


def _record_bars(
    source: Source,
    recording: Recording,
    parts: Parts,
    symbols: Sequence[str],
    session: tuple[datetime, datetime],
    progress: Progress,
    place: tuple[int, int],
) -> None:
    opens, closes = session
    for first, chunk in _chunks(symbols):
        progress(f"bars {opens.date()}", 0.2 + 0.7 * (place[0] + first / len(symbols)) / place[1])
        name = f"bars-{opens.date()}-{first}"
        if not parts.has(name):
            last = closes - timedelta(seconds=1)
            rows = _bars(source, recording, chunk, f"{recording.bar_minutes}Min", opens, last)
            parts.put(name, "bars", [_stamped(row, "start", row["t"]) for row in rows])


def _record_news(source: Source, recording: Recording, parts: Parts, progress: Progress) -> None:
    """A part a day, oldest first."""
    day = recording.first - timedelta(days=NEWS_DAYS_BEFORE)
    count = (recording.last - day).days + 1
    for number in range(count):
        progress("news", 0.9 + 0.08 * number / count)
        start = at_market_time(day + timedelta(days=number), time())
        end = at_market_time(day + timedelta(days=number + 1), time())
        if parts.has(f"news-{start.date()}"):
            continue
        span = {"start": start.isoformat(), "end": end.isoformat(), "sort": "asc", "limit": PAGE_NEWS}
        pages = source.pages(f"{recording.data_url}/v1beta1/news", **span)
        rows = [_headline(item) for page in pages for item in page["news"]]
        parts.put(f"news-{start.date()}", "news", rows)


def _stamped(row: Row, label: str, value: Any) -> Row:
    prices = {name: row[name] for name in ("open", "high", "low", "close", "volume")}
    return {"symbol": row["symbol"], label: value, **prices}


def _headline(item: Row) -> Row:
    return {
        "id": item["id"],
        "published_at": datetime.fromisoformat(item["created_at"]).astimezone(UTC),
        "headline": item["headline"],
        "source": item["source"],
        "symbols": item["symbols"],
        "url": item["url"] or "",
    }
