"""Every vendor's adapter against its usual answer, and against everything that can go wrong."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from services.news.sources.vendor import MOST_BYTES
from shared.errors import NotNow, Unavailable
from shared.ports import NewsFeed
from tests.news.street import Answer, Saying, Street
from tests.news.vendors import feeds_on

VENDORS = ("benzinga", "sec", "newsapi", "alphavantage", "yahoo")
TROUBLES = {
    "no key": Answer({"ok": False, "errors": [{"code": "auth_failed", "value": "s3cr3t"}]}, 401),
    "forbidden": Answer("<html><body>Undeclared Automated Tool</body></html>", 403),
    "broken": Answer("<h1>Internal Server Error</h1>", 500),
    "gateway": Answer("", 502),
    "moved": Answer("", 302, {"location": "http://127.0.0.1:1/"}),
    "a page": Answer("<!DOCTYPE html><html><body>Please log in</body></html>"),
    "half an answer": Answer('{"news": [{"uuid": "x", "tit'),
    "nothing": Answer(""),
    "another form": Answer({"unexpected": [1, 2, 3]}),
    "a number": Answer("17"),
    "null": Answer("null"),
    "slow": Answer("[]", delay=0.8),
    "hung up": Answer("[]", hangs_up=True),
    "enormous": Answer("x" * (MOST_BYTES + 1)),
}


@pytest.fixture
async def feed_at(
    street: Street, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[NewsFeed, str, Saying, datetime]]:
    is_slow = "slow" in request.node.callspec.params.values()
    made = feeds_on(street, seconds=0.2 if is_slow else 5.0)
    yield made[request.param]
    for feed, _, _, _ in made.values():
        await feed.close()  # type: ignore[attr-defined]


Made = tuple[NewsFeed, str, Saying, datetime]


@pytest.mark.parametrize("feed_at", VENDORS, indirect=True)
async def test_the_usual_answer_becomes_a_headline(street: Street, feed_at: Made) -> None:
    feed, path, usual, at = feed_at
    street.says[path] = usual
    found = await feed.headlines(["ACME"], at - timedelta(hours=24), at)
    assert len(found) == 1
    assert "ACME" in found[0].symbols
    assert found[0].published_at == at.replace(microsecond=0) - timedelta(minutes=5)
    assert found[0].headline.startswith("Acme")
    assert found[0].url


@pytest.mark.parametrize("feed_at", VENDORS, indirect=True)
async def test_what_lies_outside_the_window_is_left_out(street: Street, feed_at: Made) -> None:
    feed, path, usual, at = feed_at
    street.says[path] = usual
    assert await feed.headlines(["ACME"], at - timedelta(hours=24), at - timedelta(minutes=6)) == ()
    assert await feed.headlines(["ACME"], at - timedelta(minutes=4), at) == ()


@pytest.mark.parametrize("trouble", sorted(TROUBLES))
@pytest.mark.parametrize("feed_at", VENDORS, indirect=True)
async def test_trouble_is_unavailable_and_tells_no_secret(street: Street, feed_at: Made, trouble: str) -> None:
    feed, path, _, at = feed_at
    street.says[path] = TROUBLES[trouble]
    with pytest.raises(Unavailable) as raised:
        await feed.headlines(["ACME"], at - timedelta(hours=24), at)
    assert feed.name in raised.value.detail
    assert "s3cr3t" not in raised.value.detail
    assert "<" not in raised.value.detail.replace("<{http", "")


@pytest.mark.parametrize("feed_at", VENDORS, indirect=True)
async def test_a_limit_is_no_failure_and_the_vendor_is_left_alone(street: Street, feed_at: Made) -> None:
    feed, path, usual, at = feed_at
    street.says[path] = Answer(
        {"status": "error", "code": "rateLimited", "message": "slow down"}, 429, {"retry-after": "90"}
    )
    with pytest.raises(NotNow, match="limit"):
        await feed.headlines(["ACME"], at - timedelta(hours=24), at)
    asked = len(street.asked)
    street.says[path] = usual
    with pytest.raises(NotNow):
        await feed.headlines(["ACME"], at - timedelta(hours=24), at)
    assert len(street.asked) == asked
