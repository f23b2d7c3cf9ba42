"""8-Ks from EDGAR's feed, and what their items say."""

from datetime import timedelta

import pytest

from services.news.rules.filing import MEANINGS, company_of, headline_of, items_of
from services.news.rules.read import read
from services.news.sources.sec import SecNews
from shared.errors import Unavailable
from tests.news.street import Answer, Street
from tests.news.vendors import TICKERS, atom, filing, sec_pages
from tests.technical.world import NOW

DAY = timedelta(hours=24)
FEED, LIST = "/cgi-bin/browse-edgar", "/files/company_tickers.json"


async def test_a_filing_is_told_once_about_the_tickers_asked_for(street: Street) -> None:
    street.says[LIST] = Answer(TICKERS)
    street.says[FEED] = atom(
        filing("a-1", 3, "ACME CORP /DE/", 1001, "9.01: Exhibits", "4.02: Non-Reliance", "1.03: Bankruptcy"),
        filing("a-2", 4, "GLOBEX &amp; SONS", 2002, "5.02: Departure", form="8-K/A"),
        filing("a-2", 4, "ACME CORP", 1001, "5.02: Departure", form="8-K/A"),
        filing("a-3", 5, "ACME CORP", 1001, "8.01: Other", form="8-K12B"),
        filing("a-4", 6, "UNLISTED LLC", 3003, "1.03: Bankruptcy"),
    )
    feed = SecNews(street.vendor("sec"))
    found = await feed.headlines(["ACME"], NOW - DAY, NOW)
    assert [one.id for one in found] == ["a-1", "a-2"]
    assert found[0].headline.startswith("Acme Corp files for bankruptcy or receivership; says earlier financial")
    assert found[0].headline.endswith("(8-K item 1.03, 4.02)")
    assert (found[0].source, found[0].symbols) == ("sec", ("ACME",))
    assert (await feed.headlines(["GLBX"], NOW - DAY, NOW))[0].headline.startswith("Globex & Sons reports a departure")
    assert (await feed.headlines(["ACME.B", "ACME"], NOW - DAY, NOW))[0].symbols == ("ACME", "ACME.B")
    await feed.close()


async def test_pages_are_read_back_as_far_as_needed_and_then_only_what_is_new(street: Street) -> None:
    def page(first: int, minutes: float) -> Answer:
        return atom(*(filing(f"n-{first + n}", minutes + n * 10, "X", 9, "8.01: x") for n in range(100)))

    street.says[LIST] = Answer(TICKERS)
    street.says[FEED] = sec_pages(page(0, 5), page(100, 1005), page(200, 2005))
    feed = SecNews(street.vendor("sec"))
    await feed.headlines(["ACME"], NOW - DAY, NOW)
    assert [asked.query.get("start") for asked in street.asked] == [None, "0", "100"]
    await feed.headlines(["ACME"], NOW - DAY, NOW)
    assert [asked.query.get("start") for asked in street.asked[3:]] == ["0"]
    await feed.headlines(["ACME"], NOW - 1.5 * DAY, NOW)
    assert [asked.query.get("start") for asked in street.asked[4:]] == ["0", "100", "200"]
    await feed.close()


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><feed xmlns="http://www.w3.org/2005/Atom"><entry>&a;</entry></feed>',
        "<feed><entry></feed>",
        "<html><body>Your request rate has been exceeded</body></html>",
        atom(filing("a", 1, "X", 1, "8.01")).body.replace("<updated>", "<updated>yesterday "),
    ],
)
async def test_another_document_is_no_feed(street: Street, body: str) -> None:
    street.says |= {LIST: Answer(TICKERS), FEED: Answer(body)}
    feed = SecNews(street.vendor("sec"))
    with pytest.raises(Unavailable, match=r"sec(?: answered|: malformed)"):
        await feed.headlines(["ACME"], NOW - DAY, NOW)
    await feed.close()


def test_items_are_told_gravest_first_and_exhibits_not_at_all() -> None:
    assert items_of("Item 9.01: x <br> Item 2.02: y <br>item 1.03 z Item 7.77") == ("1.03", "2.02")
    assert headline_of("Acme", ()) == "Acme files a current report (8-K)"
    assert company_of("ACME CORP /MD/") == "Acme Corp"
    assert company_of("eBay Inc") == "eBay Inc"


@pytest.mark.parametrize("item", ["1.03", "4.02", "3.01", "3.02", "2.04", "2.06", "1.05"])
def test_grave_items_read_as_grave(item: str) -> None:
    found = read(headline_of("Acme Corp", (item,)), "ACME", "Acme Corp")
    assert found.sentiment < -0.15, found


@pytest.mark.parametrize("item", ["5.07", "7.01", "8.01", "5.03"])
def test_routine_items_say_little(item: str) -> None:
    assert abs(read(headline_of("Acme Corp", (item,)), "ACME", "Acme Corp").sentiment) < 0.2
    assert item in MEANINGS
