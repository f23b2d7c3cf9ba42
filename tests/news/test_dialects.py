"""What is peculiar to one vendor: paging, tickers, limits told with status 200, names instead of tickers."""

from datetime import timedelta
from typing import Any

import pytest

from services.news.sources.alphavantage import AlphaVantageNews
from services.news.sources.benzinga import BenzingaNews
from services.news.sources.newsapi import PressNews
from services.news.sources.yahoo import YahooNews
from shared.errors import NotNow, Unavailable
from tests.news.street import Answer, Asked, Street
from tests.news.vendors import NAMES, SATURDAY, benzinga_story, press_article, vantage_article, yahoo_item
from tests.technical.world import NOW, Clock, Market

DAY = timedelta(hours=24)


async def test_benzinga_pages_until_the_last_and_knows_each_story_once(street: Street) -> None:
    pages = [
        [benzinga_story(n, n % 900) for n in range(100)],
        [benzinga_story(99, 99), benzinga_story(200, 1, "A &amp; B")],
    ]
    street.says["/api/v2/news"] = lambda asked: Answer(pages[int(asked.query["page"])])
    feed = BenzingaNews(street.vendor("benzinga"), "s3cr3t")
    found = await feed.headlines(["ACME", "GLBX"], NOW - DAY, NOW)
    assert len(found) == 101
    assert [one.published_at for one in found] == sorted((one.published_at for one in found), reverse=True)
    assert next(one for one in found if one.id == "bz200").headline == "A & B"
    query = street.asked[0].query
    assert (query["tickers"], query["token"], len(street.asked)) == ("ACME,GLBX", "s3cr3t", 2)
    assert int(query["updatedSince"]) == int((NOW - DAY).timestamp())
    await feed.close()


async def test_an_answer_without_a_readable_story_is_malformed(street: Street) -> None:
    street.says["/api/v2/news"] = Answer([benzinga_story(1, 5, created="soon")])
    feed = BenzingaNews(street.vendor("benzinga"), "s3cr3t")
    with pytest.raises(Unavailable, match="malformed"):
        await feed.headlines(["ACME"], NOW - DAY, NOW)
    await feed.close()


LIMITS = [
    {"Note": "Our standard API call frequency is 5 calls per minute and 500 calls per day."},
    {"Information": "We have detected your API key as s3cr3t and our standard API rate limit is 25 requests per day."},
    {"Information": "Please consider spreading out your free API requests more sparingly (1 request per second)."},
]


@pytest.mark.parametrize("body", LIMITS)
async def test_alpha_vantage_tells_limits_with_status_200(street: Street, body: dict[str, str]) -> None:
    street.says["/query"] = Answer(body)
    feed = AlphaVantageNews(street.vendor("alphavantage"), "s3cr3t")
    with pytest.raises(NotNow, match="limit") as raised:
        await feed.headlines(["ACME"], NOW - DAY, NOW)
    assert "s3cr3t" not in raised.value.detail
    await feed.close()


@pytest.mark.parametrize(
    "body",
    [
        {"Error Message": "Invalid API call. Please retry or visit the documentation."},
        {"Information": "Invalid inputs. Please refer to the API documentation and try again."},
        {},
    ],
)
async def test_alpha_vantage_tells_errors_with_status_200(street: Street, body: dict[str, str]) -> None:
    street.says["/query"] = Answer(body)
    feed = AlphaVantageNews(street.vendor("alphavantage"), "s3cr3t")
    with pytest.raises(Unavailable, match="alphavantage"):
        await feed.headlines(["ACME"], NOW - DAY, NOW)
    await feed.close()


async def test_alpha_vantage_is_asked_for_one_ticker_at_a_time_and_passing_mentions_are_dropped(street: Street) -> None:
    def say(asked: Asked) -> Answer:
        if asked.query["tickers"] == "GLBX":
            return Answer({"Information": "No articles found. Please adjust the time range."})
        about = {"ACME": "0.8", "BRK-B": "0.4", "GLBX": "0.05", "XYZ": "much"}
        return Answer({"items": "1", "feed": [vantage_article(5, "Acme &amp; friends", about, summary="They met.")]})

    street.says["/query"] = say
    feed = AlphaVantageNews(street.vendor("alphavantage"), "s3cr3t")
    found = await feed.headlines(["ACME", "GLBX"], NOW - DAY, NOW)
    assert [(one.headline, one.symbols, one.source) for one in found] == [
        ("Acme & friends", ("ACME", "BRK.B"), "benzinga")
    ]
    assert [asked.query["tickers"] for asked in street.asked] == ["ACME", "GLBX"]
    await feed.close()


async def test_yahoo_items_that_do_not_name_the_symbol_are_somebody_elses(street: Street) -> None:
    street.says["/v1/finance/search"] = Answer(
        {"news": [yahoo_item(5, "Mine", "BRK-B", "^GSPC"), yahoo_item(6, "Other", "AAPL"), yahoo_item(7, "None")]}
    )
    feed = YahooNews(street.vendor("yahoo"))
    found = await feed.headlines(["BRK.B"], NOW - DAY, NOW)
    assert [(one.headline, one.symbols, one.source) for one in found] == [("Mine", ("BRK.B", "^GSPC"), "reuters")]
    assert street.asked[0].query["q"] == "BRK-B"
    assert feed.dropped == 0
    street.says["/v1/finance/search"] = Answer({"news": [yahoo_item(5, "X", "BRK-B", providerPublishTime=10**18)]})
    assert await feed.headlines(["BRK.B"], NOW - DAY, NOW) == ()
    assert feed.dropped == 1
    await feed.close()


def press(street: Street, plan: str = "free") -> PressNews:
    return PressNews(street.vendor("newsapi"), Market(Clock(), names=dict(NAMES)), plan)


async def test_newsapi_is_asked_by_name_and_an_article_is_about_whom_it_names(street: Street) -> None:
    articles: list[dict[str, Any]] = [
        press_article(1, "Globex and Acme Corporation in talks"),
        press_article(2, "The acme of taste", description="A restaurant."),
        press_article(3, "[Removed]"),
        press_article(4, None),
        press_article(5, "Nothing here", description="But Globex Holdings is."),
        press_article(6, "Acme Corporation hires", url=None),
    ]
    street.says["/v2/everything"] = Answer({"status": "ok", "totalResults": 6, "articles": articles})
    feed = press(street)
    found = await feed.headlines(["ACME", "GLBX", "NONAME"], SATURDAY - DAY, SATURDAY)
    named = {one.headline: one.symbols for one in found}
    assert named["Globex and Acme Corporation in talks"] == ("ACME", "GLBX")
    assert named["Nothing here"] == ("GLBX",)
    assert set(named) <= {"Globex and Acme Corporation in talks", "Nothing here", "The acme of taste"}
    assert street.asked[0].query["q"] == '"Acme" OR "Globex"'
    assert await feed.headlines(["NONAME"], SATURDAY - DAY, SATURDAY) == ()
    await feed.close()


async def test_newsapis_free_plan_is_not_asked_within_market_hours(street: Street) -> None:
    street.says["/v2/everything"] = Answer({"status": "ok", "articles": []})
    free, paid = press(street), press(street, "paid")
    with pytest.raises(NotNow, match="24 h late"):
        await free.headlines(["ACME"], NOW - DAY, NOW)
    assert street.asked == []
    assert await paid.headlines(["ACME"], NOW - DAY, NOW) == ()
    assert len(street.asked) == 1
    await free.close()
    await paid.close()


async def test_newsapi_tells_errors_in_its_own_words(street: Street) -> None:
    street.says["/v2/everything"] = Answer({"status": "error", "code": "parameterInvalid", "message": "too far back"})
    feed = press(street)
    with pytest.raises(Unavailable, match="too far back"):
        await feed.headlines(["ACME"], SATURDAY - DAY, SATURDAY)
    await feed.close()
