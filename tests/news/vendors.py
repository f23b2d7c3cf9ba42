"""Each vendor's answers as they are recorded in its documentation, about the same two invented companies."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from services.news.sources.alphavantage import AlphaVantageNews
from services.news.sources.benzinga import BenzingaNews
from services.news.sources.newsapi import PressNews
from services.news.sources.sec import SecNews
from services.news.sources.yahoo import YahooNews
from shared.ports import NewsFeed
from tests.news.street import Answer, Asked, Saying, Street
from tests.technical.world import NOW, Clock, Market

NAMES = {"ACME": "Acme Corporation Common Stock", "GLBX": "Globex Holdings Inc."}
SATURDAY = datetime(2026, 6, 13, 15, 0, tzinfo=UTC)


def benzinga_story(number: int, minutes: float, title: str = "Acme wins order", **more: Any) -> dict[str, Any]:
    when = format_datetime((NOW - timedelta(minutes=minutes)).replace(microsecond=0))
    return {
        "id": number, "author": "A Writer", "created": when, "updated": when, "title": title, "teaser": "", "body": "",
        "url": f"https://www.benzinga.com/{number}", "image": [], "channels": [{"name": "News"}],
        "stocks": [{"name": "ACME"}], "tags": [],
    } | more  # fmt: skip


def press_article(minutes: float, title: str | None, **more: Any) -> dict[str, Any]:
    at = (SATURDAY - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "source": {"id": None, "name": "Reuters"}, "author": None, "title": title, "description": "",
        "url": f"https://press.example/{title}", "urlToImage": None, "publishedAt": at, "content": "",
    } | more  # fmt: skip


def vantage_article(minutes: float, title: str, tickers: dict[str, str], **more: Any) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%S")
    return {
        "title": title, "url": f"https://av.example/{title}", "time_published": at, "authors": [], "summary": "",
        "source": "Benzinga", "source_domain": "benzinga.com", "topics": [], "overall_sentiment_score": 0.2,
        "ticker_sentiment": [
            {"ticker": ticker, "relevance_score": score, "ticker_sentiment_score": "0.1"}
            for ticker, score in tickers.items()
        ],
    } | more  # fmt: skip


def yahoo_item(minutes: float, title: str, *tickers: str, **more: Any) -> dict[str, Any]:
    return {
        "uuid": title, "title": title, "publisher": "Reuters", "link": f"https://y.example/{title}", "type": "STORY",
        "providerPublishTime": int((NOW - timedelta(minutes=minutes)).timestamp()), "relatedTickers": list(tickers),
    } | more  # fmt: skip


def filing(accession: str, minutes: float, name: str, cik: int, *items: str, form: str = "8-K") -> str:
    at = (NOW - timedelta(minutes=minutes)).astimezone().isoformat(timespec="seconds")
    told = "".join(f"\n&lt;br&gt;Item {item}" for item in items)
    return (
        f"<entry><title>{form} - {name} ({cik:010d}) (Filer)</title>"
        f'<link rel="alternate" type="text/html" href="https://www.sec.gov/Archives/edgar/data/{cik}/{accession}.htm"/>'
        f'<summary type="html"> &lt;b&gt;Filed:&lt;/b&gt; 2026-06-16 &lt;b&gt;AccNo:&lt;/b&gt; {accession}{told}'
        "</summary>"
        f'<updated>{at}</updated><category scheme="https://www.sec.gov/" label="form type" term="{form}"/>'
        f"<id>urn:tag:sec.gov,2008:accession-number={accession}</id></entry>"
    )


def atom(*entries: str) -> Answer:
    head = (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>Latest</title>'
    )
    return Answer(head + "".join(entries) + "</feed>")


TICKERS = {
    "0": {"cik_str": 1001, "ticker": "ACME", "title": "ACME CORP"},
    "1": {"cik_str": 2002, "ticker": "GLBX", "title": "Globex Holdings"},
    "2": {"cik_str": 1001, "ticker": "ACME-B", "title": "ACME CORP"},
}


def sec_pages(*pages: Answer) -> Callable[[Asked], Answer]:
    return lambda asked: pages[min(int(asked.query["start"]) // 100, len(pages) - 1)]


def feeds_on(street: Street, seconds: float = 5.0) -> dict[str, tuple[NewsFeed, str, Saying, datetime]]:
    """Each vendor's adapter on the street, the path of its headlines, a usual answer, and when it may be asked."""
    market = Market(Clock(), names=dict(NAMES))
    street.says["/files/company_tickers.json"] = Answer(TICKERS)
    made: dict[str, tuple[NewsFeed, str, Saying, datetime]] = {
        "benzinga": (
            BenzingaNews(street.vendor("benzinga", seconds=seconds), "s3cr3t"), "/api/v2/news",
            Answer([benzinga_story(1, 5)]), NOW,
        ),
        "sec": (
            SecNews(street.vendor("sec", seconds=seconds)), "/cgi-bin/browse-edgar",
            atom(filing("a-1", 5, "ACME CORP", 1001, "1.03: x")), NOW,
        ),
        "newsapi": (
            PressNews(street.vendor("newsapi", seconds=seconds), market, "free"), "/v2/everything",
            Answer({"status": "ok", "totalResults": 1, "articles": [press_article(5, "Acme wins order")]}), SATURDAY,
        ),
        "alphavantage": (
            AlphaVantageNews(street.vendor("alphavantage", seconds=seconds), "s3cr3t"), "/query",
            Answer({"items": "1", "feed": [vantage_article(5, "Acme wins order", {"ACME": "0.9"})]}), NOW,
        ),
        "yahoo": (
            YahooNews(street.vendor("yahoo", seconds=seconds)), "/v1/finance/search",
            Answer({"quotes": [], "news": [yahoo_item(5, "Acme wins order", "ACME")]}), NOW,
        ),
    }  # fmt: skip
    return made
