"""What the items of an 8-K mean, in the words of a headline. Source: the SEC's Form 8-K, general instructions."""

import re

MEANINGS = {
    "1.03": "files for bankruptcy or receivership",
    "4.02": "says earlier financial statements can no longer be relied on and will be restated",
    "2.04": "faces early repayment after a default event on a debt obligation",
    "3.01": "receives notice of delisting or failure to meet a listing rule",
    "3.02": "sells unregistered shares in a private placement",
    "2.06": "warns of a material impairment charge",
    "1.05": "reports a material cybersecurity incident",
    "4.01": "changes its auditor",
    "1.02": "terminates a material agreement",
    "2.05": "commits to exit costs, restructuring or layoffs",
    "5.01": "reports a change in control",
    "2.01": "completes an acquisition or a sale of assets",
    "1.01": "enters into a material definitive agreement",
    "2.02": "reports results of operations",
    "3.03": "changes the rights of its shareholders",
    "2.03": "takes on a direct financial obligation",
    "5.02": "reports a departure, election or appointment of directors or officers",
    "5.03": "amends its articles or bylaws",
    "5.07": "reports the votes of its shareholders",
    "7.01": "discloses information under Regulation FD",
    "8.01": "reports other events",
}
"""Gravest first: that is the order in which they are told."""

MOST_TOLD = 2
_ITEM = re.compile(r"\bItem\s+(\d\.\d\d)\b", re.IGNORECASE)
_STATE = re.compile(r"\s*/[A-Z]{2,3}/?\s*$")


def items_of(summary: str) -> tuple[str, ...]:
    """The item numbers in the summary of a filing, gravest first; exhibits (9.01) and unknown ones left out."""
    said = set(_ITEM.findall(summary))
    return tuple(number for number in MEANINGS if number in said)


def company_of(name: str) -> str:
    """A registrant's name as people write it: `ACME CORP /DE/` -> `Acme Corp`."""
    plain = _STATE.sub("", name).strip()
    return plain.title() if plain.isupper() else plain


def headline_of(company: str, items: tuple[str, ...]) -> str:
    """One line; which items it rests on stands in brackets."""
    if not items:
        return f"{company} files a current report (8-K)"
    told = "; ".join(MEANINGS[number] for number in items[:MOST_TOLD])
    return f"{company} {told} (8-K item {', '.join(items[:MOST_TOLD])})"
