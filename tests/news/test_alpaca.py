"""The headline adapter."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.news.sources.alpaca import AlpacaNews
from tests.shared.alpaca_venue import NOW, Venue, settings_for


def item(number: int, created: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "headline": f"No. {number} &amp; more", "created_at": created, "symbols": ["A"]} | more


async def test_headlines_newest_first_each_once_within_the_window(venue: Venue, venue_url: str) -> None:
    pages: dict[str, Any] = {
        "": {
            "news": [
                item(3, "2026-06-16T15:00:00Z", source="benzinga", summary=None, url=""),
                item(4, "2026-06-16T15:00:01Z", headline=" "),
                item(9, "2026-06-16T15:05:00Z"),
            ],
            "next_page_token": "next",
        },
        "next": {"news": [item(1, "2026-06-16T14:00:00Z"), item(2, "2026-06-16T14:30:00Z", url="http://x")]},
    }
    venue.answers["/v1beta1/news"] = lambda request: (200, pages[request.query_params.get("page_token", "")])
    feed = AlpacaNews(settings_for(venue_url))
    since = datetime(2026, 6, 16, 14, 0, tzinfo=UTC)
    found = await feed.headlines([f"S{n}" for n in range(150)], since, NOW)
    assert [one.id for one in found] == ["3", "2"]
    assert (found[0].headline, found[0].source, found[0].url) == ("No. 3 & more", "benzinga", None)
    assert len(venue.asked_for("/v1beta1/news")) == 4
    assert await feed.headlines([], since, NOW) == ()
    await feed.close()


async def test_a_window_without_end_is_cut_off(venue: Venue, venue_url: str) -> None:
    venue.answers["/v1beta1/news"] = (200, {"news": [item(1, "2026-06-16T15:00:00Z")], "next_page_token": "again"})
    feed = AlpacaNews(settings_for(venue_url))
    found = await feed.headlines(["A"], NOW - timedelta(days=1), NOW)
    assert [one.id for one in found] == ["1"]
    assert len(venue.asked) == 40
    await feed.close()
