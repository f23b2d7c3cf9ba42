"""Which of the broker's assets are common stocks or funds that a day trader may buy, and why the others are not."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time

import numpy as np
from numpy.typing import NDArray

from shared.domain.market import Asset
from shared.domain.session import at_market_time, trading_day

EXCHANGES = frozenset({"NYSE", "NASDAQ", "AMEX", "ARCA", "BATS"})
# The day's assets and split adjustments are there by then, the opening is not.
REFRESH_WALL = time(9, 0)
# ptp_no_exception: Alpaca blocks the buy (10 % withholding on the sale); ipo: limit orders only, and no history.
BARRED_ATTRIBUTES = frozenset({"ptp_no_exception", "ipo"})
PLAIN_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{0,5}(\.[A-Z]{1,3})?", re.ASCII)
TEST_SYMBOL = re.compile(r"Z[A-Z]ZZT|ZBZX|ZTE?ST|ZIEXT|ZEXIT|[A-Z]TEST([.-].*)?", re.ASCII)

# What follows the dot says what the paper is; class shares (BRK.B) have one letter that is none of these.
SUFFIXES = (
    ("warrant", re.compile(r"[.\-/]((WS|WT)([.\-]?[A-Z])?|W)$")),
    ("unit", re.compile(r"[.\-/](U|UN)$")),
    ("right", re.compile(r"[.\-/](R|RT|RI)$")),
    ("preferred", re.compile(r"[.\-/](PR|P)[A-Z]?$")),
    ("when_issued", re.compile(r"[.\-/](WI|WD)$")),
)
# Nasdaq's fifth letter, believed only where the four letters before it are listed as well.
FIFTH_LETTERS = {"W": "warrant", "R": "right", "U": "unit", "V": "when_issued"} | dict.fromkeys("PONM", "preferred")

FUND = re.compile(r"\b(ETFs?|ETNs?|exchange[- ]traded)\b", re.IGNORECASE)
ISSUER = re.compile(r"\b(proshares|direxion|microsectors|graniteshares|velocityshares)\b", re.IGNORECASE)
# Funds that multiply or invert the day of something else: without news of their own, and as many as there are famous
# stocks, they would fill the top of every lively day. Loans are leveraged too, which is another matter.
GEARED = re.compile(
    r"(?<![\w.])[-+]?\d(\.\d+)?\s?x\b|\b(leveraged?(?! (loan|credit|finance))|inverse|bear|vix)\b"
    r"|\bproshares (ultra\w*|short)\b(?!-term)",
    re.IGNORECASE,
)
# What tells one line of a company's shares from another; what is left of two names is the same.
LINE = re.compile(
    r"\(.*|\b(class|series) [a-z]\b|\b(common|capital|ordinary) (stock|shares?)\b"
    r"|\b((limited|multiple|restricted|subordinated?|non-?) ?)?voting\b|\b(stock|shares?)\b",
    re.IGNORECASE,
)
# A receipt for foreign shares is a share, whatever the text behind this says about the paper it stands for.
RECEIPT = re.compile(r"\bAmerican Depositary\b|\bAD[RS]s?\b", re.IGNORECASE)
PARTNERSHIP = re.compile(
    r"\bcommon units?\b|\blimited partner|\bl\.?\s?p\b|\btrust units?\b|\bbeneficial|\bdepositary units?\b",
    re.IGNORECASE,
)
NAMES = (
    ("test", re.compile(r"\btest (stock|issue|symbol|security|company)\b|\b(nasdaq|nyse|bats|cboe) test\b", re.I)),
    ("warrant", re.compile(r"\bwarrants?\b", re.IGNORECASE)),
    ("right", re.compile(r"\brights\b|\bright (to|each)\b|\bright\W*$", re.IGNORECASE)),
    ("unit", re.compile(r"\bunits?\b", re.IGNORECASE)),
    # Funds that hold preferred papers are none themselves.
    (
        "preferred",
        # Depositary shares that are neither American nor global stand for fractions of a home company's preferred.
        re.compile(
            r"\b(preferred|pfd)\b(?! (and|&|securities|income|\d+ ordinary))|\bpreference\b"
            r"|(?<!global )\bdepositary shares?\b",
            re.IGNORECASE,
        ),
    ),
    ("note", re.compile(r"\d\s?%|\bnotes? due\b|\b(senior|subordinated|junior)\b.*\bnotes?\b|\bdebentures?\b", re.I)),
)


@dataclass(frozen=True)
class Selection:
    """The universe in order of symbol, and the reason for each asset that is not in it."""

    kept: tuple[Asset, ...]
    excluded: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How many assets each reason excluded."""
        return dict(sorted(Counter(self.excluded.values()).items()))


def refresh_due(refreshed_at: datetime, now: datetime) -> bool:
    """True once the day's refresh time has passed since; also when time went back, as on a tape that starts anew."""
    due = at_market_time(trading_day(now), REFRESH_WALL)
    return now < refreshed_at or refreshed_at < due <= now


def select(assets: Iterable[Asset]) -> Selection:
    """Split the broker's assets; of two with one symbol the first counts."""
    by_symbol: dict[str, Asset] = {}
    for asset in assets:
        by_symbol.setdefault(asset.symbol, asset)
    listed = frozenset(by_symbol)
    reasons = {symbol: exclusion(asset, listed) for symbol, asset in sorted(by_symbol.items())}
    kept = tuple(by_symbol[symbol] for symbol, reason in reasons.items() if reason is None)
    return Selection(kept, {symbol: reason for symbol, reason in reasons.items() if reason is not None})


def exclusion(asset: Asset, listed: frozenset[str]) -> str | None:
    """Why an asset is left out, or None. `listed` are the symbols of all assets."""
    if not asset.active:
        return "inactive"
    if asset.exchange.upper() == "OTC":
        return "otc"
    if asset.exchange.upper() not in EXCHANGES:
        return "exchange"
    if not asset.tradable:
        return "not_tradable"
    if BARRED_ATTRIBUTES.intersection(asset.attributes):
        return "barred_attribute"
    kind = kind_of(asset.symbol, asset.name, asset.exchange, listed)
    if kind is not None:
        return kind
    return None if PLAIN_SYMBOL.fullmatch(asset.symbol) else "odd_symbol"


def kind_of(symbol: str, name: str, exchange: str, listed: frozenset[str]) -> str | None:
    """What other kind of paper this is: test, warrant, unit, right, preferred, note, when_issued, geared (a fund on the
    multiple or the inverse of something's day); None for a share or another fund.
    """
    if TEST_SYMBOL.fullmatch(symbol):
        return "test"
    for kind, suffix in SUFFIXES:
        if suffix.search(symbol):
            return kind
    if exchange.upper() == "NASDAQ" and len(symbol) == 5 and symbol[:4] in listed and symbol[4] in FIFTH_LETTERS:
        return FIFTH_LETTERS[symbol[4]]
    if FUND.search(name) or ISSUER.search(name):
        return "geared" if GEARED.search(name) else None
    name = RECEIPT.split(name)[0]
    for kind, pattern in NAMES:
        if pattern.search(name) and not (kind == "unit" and PARTNERSHIP.search(name)):
            return kind
    return None


def companies_of(assets: Sequence[Asset]) -> NDArray[np.int64]:
    """A number for each asset, of shape (n,): lines of one company's shares have the same, by their names."""
    names = (" ".join(re.findall(r"[a-z0-9&]+", LINE.sub(" ", asset.name).lower())) for asset in assets)
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(name or asset.symbol, len(numbers)) for asset, name in zip(assets, names, strict=True)],
        dtype=np.int64,
    )


def sectors_of(text: str) -> dict[str, str]:
    """Sector by symbol from a CSV with the columns symbol and sector; lines without both are skipped."""
    rows = csv.DictReader(text.splitlines())
    pairs = (((row.get("symbol") or "").strip().upper(), (row.get("sector") or "").strip()) for row in rows)
    return {symbol: sector for symbol, sector in pairs if symbol and sector}
