"""Where a text names a company: the press's short forms, two letters, brands, and capitals that name nobody."""

import pytest

from services.news.rules.company import names, places, short_name


@pytest.mark.parametrize(
    ("text", "symbol", "company", "named"),
    [
        ("3M settles with six cities", "MMM", "3M Company Common Stock", True),
        ("A 3m wide bridge", "MMM", "3M Company Common Stock", False),
        ("HP raises its outlook", "HPQ", "HP Inc. Common Stock", True),
        ("A 400 hp engine", "HPQ", "HP Inc. Common Stock", False),
        ("BP sells a refinery", "BP", "BP p.l.c. Common Stock", True),
        ("YIELDS RISE 4 BP IN LONDON", "BP", "BP p.l.c. Common Stock", False),
        ("P&G lifts prices", "PG", "Procter & Gamble Company (The) Common Stock", True),
        ("Rocket Lab opens a factory", "RKLB", "Rocket Lab USA, Inc.", True),
        ("A rocket fell", "RKLB", "Rocket Lab USA, Inc.", False),
        ("Blue Owl limits withdrawals", "OWL", "Blue Owl Capital Inc. Class A", True),
        ("New York acts on rents", "NYT", "New York Times Company (The) Common Stock", False),
        ("The United States acts on steel", "X", "United States Steel Corporation Common Stock", False),
        ("U.S. Steel restarts a furnace", "X", "United States Steel Corporation Common Stock", True),
        ("Google loses appeal", "GOOGL", "Alphabet Inc. Class A Common Stock", True),
        ("Amazon hires drivers", "AMZN", "Amazon.com, Inc. Common Stock", True),
        ("The Amazon.com site is back", "AMZN", "Amazon.com, Inc. Common Stock", True),
        ("Copper touches a new LOW", "LOW", "Lowe's Companies Inc. Common Stock", False),
        ("Lowe's (LOW) beats estimates", "LOW", "Lowe's Companies Inc. Common Stock", True),
        ("Sell silver NOW", "NOW", "ServiceNow Inc. Common Stock", False),
        ("Upgrade for $NOW", "NOW", "ServiceNow Inc. Common Stock", True),
        ("Dow sheds 300 points", "DOW", "Dow Inc. Common Stock", False),
        ("Dow sheds a plant in Texas", "DOW", "Dow Inc. Common Stock", True),
        ("UBS sets price target at $40", "TGT", "Target Corporation Common Stock", False),
        ("UBS sets Target price target at $140", "TGT", "Target Corporation Common Stock", True),
        ("Apple growers fear frost", "AAPL", "Apple Inc. Common Stock", False),
        ("Apple fears tariffs", "AAPL", "Apple Inc. Common Stock", True),
        ("Visa rules change for nurses", "V", "Visa Inc. Class A Common Stock", False),
        ("Visa changes its fees", "V", "Visa Inc. Class A Common Stock", True),
        ("Biotech gets a CRL", "CRL", "Charles River Laboratories International Inc.", False),
        ("Biotech (CRL) dips", "CRL", "Charles River Laboratories International Inc.", True),
    ],
)
def test_where_a_company_is_named(text: str, symbol: str, company: str, named: bool) -> None:
    assert bool(places(text.lower(), text, symbol, company)) == named


def test_countries_and_legal_forms_are_not_part_of_a_name() -> None:
    assert short_name("Rocket Lab USA, Inc.") == "Rocket Lab"
    assert short_name("BP p.l.c. Common Stock") == "BP"
    assert names("Blue Owl Capital Inc.") == ("blue owl capital", "blue owl")
    assert names("Johnson & Johnson Common Stock")[-1] == "j&j"
