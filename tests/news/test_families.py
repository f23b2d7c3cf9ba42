"""Each family of wordings by examples of its own: what it says, and what only looks like it."""

import pytest

from services.news.rules.aggregate import label
from services.news.rules.hostile import read_warily
from services.news.rules.read import look
from shared.domain.news import Catalyst
from tests.news.families import FAMILIES

ACME = ("ACME", "Acme Corporation Common Stock")


@pytest.mark.parametrize(("text", "kind", "said"), FAMILIES)
def test_a_family_of_wordings(text: str, kind: Catalyst | None, said: str) -> None:
    reading = read_warily(text, *ACME)
    assert reading.catalyst == kind, reading
    assert label(reading) == said, reading


@pytest.mark.parametrize(
    "text",
    [
        "Stocks tumble on rate fears",
        "European stocks fall as banks weigh",
        "Stock futures slip before payrolls",
        "Asian shares sink on China data",
    ],
)
def test_the_market_is_no_company(text: str) -> None:
    for line, is_ours in ((text, False), ("Acme shares fall on rate fears", True)):
        found = look(line, *ACME)
        assert found is not None
        assert any(hit.reason == "shares fall" for hit in found.hits) == is_ours


@pytest.mark.parametrize(
    "text", ["Charles River Labs (CRL) dips on spending fears", "Notes on $CRL", "NYSE: CRL update"]
)
def test_a_ticker_is_no_complete_response_letter(text: str) -> None:
    assert read_warily(text, "CRL", "Charles River Laboratories International Inc.").catalyst is None
