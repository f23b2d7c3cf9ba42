"""EDGAR's current filings as an Atom feed, 8-Ks only: https://www.sec.gov/search-filings/edgar-application-programming-interfaces

One feed serves all symbols, so a scan costs one request or two, not one for each company; and its entries carry the
moment of acceptance, which the submissions' JSON rounds. The SEC wants a User-Agent with a contact (403 without one)
and at most ten requests a second.
"""

import html
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from xml.etree import ElementTree as Xml

import msgspec
import structlog

from services.news.rules.filing import company_of, headline_of, items_of
from services.news.sources.items import Items, in_utc
from services.news.sources.vendor import Vendor
from shared.domain.news import Headline, Terms
from shared.errors import Unavailable
from shared.one_by_one import Table

URL = "https://www.sec.gov"
PER_MINUTE, LASTS_SECONDS = 60, 20.0
PAGE_ENTRIES, MOST_PAGES = 100, 20
OVERLAP, KEPT = timedelta(minutes=15), timedelta(hours=120)
ATOM = "{http://www.w3.org/2005/Atom}"
_TITLE = re.compile(r"^8-K(?:/A)? - (?P<name>.+?) \((?P<cik>\d{10})\)")
log = structlog.get_logger()


class _Company(msgspec.Struct):
    cik_str: int
    ticker: str


_COMPANIES = Table(
    "SEC tickers", msgspec.json.Decoder(dict[str, _Company | None]), msgspec.json.Decoder(_Company | None)
)
# What no XML may hold, as it is and as a reference: control characters, halves of surrogate pairs.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bcef]|1[0-9a-f]|d[89a-f][0-9a-f]{2}));", re.IGNORECASE
)


class Filing(NamedTuple):
    """One entry of the feed."""

    accession: str
    cik: int
    company: str
    accepted: datetime
    items: tuple[str, ...]
    url: str | None


class SecNews:
    """8-Ks as headlines. Silence means nothing: most news is never filed."""

    name = "sec"

    def __init__(self, vendor: Vendor, off: str | None = None) -> None:
        self.terms = Terms(off=off, is_wire=False, at_once=1000, lasts_seconds=LASTS_SECONDS)
        self._vendor = vendor
        self._tickers: dict[int, tuple[str, ...]] = {}
        self._tickers_day: date | None = None
        self._filings: dict[tuple[str, int], Filing] = {}
        self._covered: tuple[datetime, datetime] | None = None
        self._items = Items(self.name, lambda _: None, msgspec.json.Decoder(msgspec.Raw))

    @property
    def dropped(self) -> int:
        """Filings that could not be read, since the start."""
        return self._items.dropped

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """8-Ks accepted in (since, until] by the symbols' companies, newest first.

        Tagged with the symbols asked about only: a bank's dozen preferred shares do not make it news of a dozen.
        """
        await self._learn_tickers(until.date())
        await self._read_back(since, until)
        wanted, found = set(symbols), {}
        for filing in self._filings.values():
            about = [ticker for ticker in self._tickers.get(filing.cik, ()) if ticker in wanted]
            if about and since < filing.accepted <= until:
                found[filing.accession] = _headline(filing, about)
        return tuple(sorted(found.values(), key=lambda item: (item.published_at, item.id), reverse=True))

    async def _learn_tickers(self, day: date) -> None:
        if self._tickers_day == day:
            return
        body = await self._vendor.get("/files/company_tickers.json")
        listed = self._vendor.decoded(body, _COMPANIES)
        tickers: dict[int, tuple[str, ...]] = {}
        for one in filter(None, listed.values()):
            tickers[one.cik_str] = (*tickers.get(one.cik_str, ()), one.ticker.upper().replace("-", "."))
        self._tickers, self._tickers_day = tickers, day

    async def _read_back(self, since: datetime, until: datetime) -> None:
        """Pages of the feed, newest first, back to what is known already or to `since`."""
        first, last = self._covered or (until, since)
        back_to = max(since, last - OVERLAP) if first <= since <= last else since
        for page in range(MOST_PAGES):
            asked: dict[str, str | int] = {
                "action": "getcurrent", "type": "8-K", "owner": "include", "output": "atom",
                "start": page * PAGE_ENTRIES, "count": PAGE_ENTRIES,
            }  # fmt: skip
            entries, filings, troubles = _parsed(await self._vendor.get("/cgi-bin/browse-edgar", asked))
            self._items.count(troubles, entries - len(troubles))
            self._filings |= {(filing.accession, filing.cik): filing for filing in filings}
            if entries < PAGE_ENTRIES or any(filing.accepted <= back_to for filing in filings):
                break
        else:
            log.warning("filings_cut_off", pages=MOST_PAGES, back_to=back_to.isoformat())
        self._covered = (min(first, since), max(last, until))
        self._filings = {key: one for key, one in self._filings.items() if one.accepted > until - KEPT}

    async def close(self) -> None:
        await self._vendor.close()


def _parsed(body: bytes) -> tuple[int, list[Filing], list[str]]:
    """How many entries the page has, its 8-Ks, and why others could not be read.

    Document types are refused: an HTML page, an entity bomb.
    """
    if b"<!DOCTYPE" in body[:2000] or b"<!ENTITY" in body:
        raise Unavailable("sec answered with another document than its feed")
    feed = _feed(body)
    if feed.tag != f"{ATOM}feed":
        raise Unavailable(f"sec answered in another form: <{feed.tag[:40]}>")
    entries, filings, troubles = feed.findall(f"{ATOM}entry"), list[Filing](), list[str]()
    for entry in entries:
        try:
            filings += [filing] if (filing := _filing(entry)) else []
        except (ValueError, OverflowError) as error:
            troubles.append(f"{error}"[:200])
    return len(entries), filings, troubles


def _feed(body: bytes) -> Xml.Element:
    """The document; where its characters are what is odd, without those. Raises Unavailable."""
    try:
        return Xml.fromstring(body)
    except (Xml.ParseError, ValueError, LookupError):
        text = body.decode("utf-8", "replace")
    plain = _REFERENCE.sub("", _CONTROL.sub("", text.partition("?>")[2] if text.startswith("<?xml") else text))
    try:
        return Xml.fromstring(plain)
    except (Xml.ParseError, ValueError) as error:
        raise Unavailable(f"sec answered in another form: {error}") from error


def _filing(entry: Xml.Element) -> Filing | None:
    title = _TITLE.match((entry.findtext(f"{ATOM}title") or "").strip())
    if title is None:
        return None
    link = entry.find(f"{ATOM}link")
    accepted = in_utc(datetime.fromisoformat(entry.findtext(f"{ATOM}updated") or ""))
    return Filing(
        accession=(entry.findtext(f"{ATOM}id") or "").rpartition("=")[2],
        cik=int(title["cik"]),
        company=company_of(html.unescape(title["name"])),
        accepted=accepted,
        items=items_of(entry.findtext(f"{ATOM}summary") or ""),
        url=link.get("href") if link is not None else None,
    )


def _headline(filing: Filing, tickers: Sequence[str]) -> Headline:
    return Headline(
        id=filing.accession,
        source="sec",
        published_at=filing.accepted,
        headline=headline_of(filing.company, filing.items),
        url=filing.url,
        symbols=tuple(tickers),
    )
