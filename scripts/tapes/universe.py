"""An invented stock market: names, sectors, sizes, prices. Five symbols everyone knows are there at invented prices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

INDUSTRIES: dict[str, tuple[str, ...]] = {
    "Technology": ("Software", "Semiconductors", "IT Services", "Computer Hardware", "Cybersecurity"),
    "Health Care": ("Biotechnology", "Pharmaceuticals", "Medical Devices", "Diagnostics", "Health Services"),
    "Finance": ("Regional Banks", "Insurance", "Asset Management", "Consumer Lending"),
    "Consumer Discretionary": ("Apparel", "Restaurants", "Auto Parts", "Homebuilders", "Leisure"),
    "Consumer Staples": ("Packaged Foods", "Beverages", "Household Products"),
    "Industrials": ("Aerospace", "Machinery", "Trucking", "Building Products", "Electrical Equipment"),
    "Energy": ("Oil and Gas Exploration", "Oilfield Services", "Solar"),
    "Basic Materials": ("Gold Mining", "Specialty Chemicals", "Steel", "Lithium"),
    "Real Estate": ("Office REITs", "Industrial REITs", "Residential REITs"),
    "Utilities": ("Electric Utilities", "Water Utilities"),
    "Telecommunications": ("Wireless", "Fiber Networks", "Satellite"),
}
SECTORS = tuple(INDUSTRIES)
SHARES = (0.17, 0.21, 0.16, 0.12, 0.04, 0.11, 0.06, 0.05, 0.04, 0.02, 0.02)
TAILS = {
    "Technology": ("Systems", "Software", "Micro", "Networks", "Logic", "Data", "Cloud"),
    "Health Care": ("Therapeutics", "Biosciences", "Pharma", "Medical", "Genomics", "Oncology", "Diagnostics"),
    "Finance": ("Bancorp", "Financial", "Capital", "Insurance Group", "Trust"),
    "Consumer Discretionary": ("Brands", "Outfitters", "Motors", "Homes", "Resorts"),
    "Consumer Staples": ("Foods", "Beverage", "Household"),
    "Industrials": ("Aerospace", "Machine Works", "Logistics", "Industries", "Controls"),
    "Energy": ("Petroleum", "Energy", "Drilling", "Solar"),
    "Basic Materials": ("Mining", "Chemicals", "Steel", "Lithium"),
    "Real Estate": ("Properties", "Realty Trust", "Residential"),
    "Utilities": ("Power", "Water", "Electric"),
    "Telecommunications": ("Wireless", "Fiber", "Satellite"),
}
_HEADS = "Al Bar Cor Dal El Fen Gar Hol In Jor Kel Lor Mar Nor Or Pel Quin Ral Sol Tar Ul Ver Wes Xen Yor Zan"
_MIDDLES = "a e i o u ba de li mo ra ten vi lo ni qua sta tri vo ven dra"
_ENDS = "bis con dex gen lis mar nix pha ron tis va wen xa zor line mark stone gate field"
HEADS, MIDDLES, ENDS = _HEADS.split(), _MIDDLES.split(), _ENDS.split()
Famous = tuple[str, str, str, str, str, float, float]
FAMOUS: tuple[Famous, ...] = (
    # symbol, name, exchange, sector, industry, market value USD, price USD
    ("SPY", "SPDR S&P 500 ETF Trust", "ARCA", "ETF", "Index Fund", 6.0e11, 612.40),
    ("AAPL", "Apple Inc. Common Stock", "NASDAQ", "Technology", "Computer Hardware", 3.1e12, 231.15),
    ("MSFT", "Microsoft Corporation Common Stock", "NASDAQ", "Technology", "Software", 3.3e12, 468.90),
    ("NVDA", "NVIDIA Corporation Common Stock", "NASDAQ", "Technology", "Semiconductors", 3.6e12, 184.60),
    ("TSLA", "Tesla Inc. Common Stock", "NASDAQ", "Consumer Discretionary", "Automobiles", 8.0e11, 250.05),
)
ODD = ("warrant", "unit", "right", "preferred", "test", "otc")


@dataclass(frozen=True, slots=True)
class Universe:
    """One entry a security. `price` USD, `volatility` of a day's log return, `shares` traded on a usual day.

    The first five are the famous ones, then the common shares, then the odd issues that a filter must drop.
    """

    symbols: list[str]
    names: list[str]
    exchanges: list[str]
    sectors: list[str]
    industries: list[str]
    market_cap: Floats
    price: Floats
    volatility: Floats
    beta: Floats
    shares: Floats
    common: int

    def __len__(self) -> int:
        return len(self.symbols)


def made_up_symbols(rng: np.random.Generator, count: int) -> list[str]:
    """Distinct, of three or four letters, none that ends like a warrant, unit or right would."""
    taken = {row[0] for row in FAMOUS}
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    found: list[str] = []
    while len(found) < count:
        draws = rng.integers(0, 26, (count * 2, 4))
        lengths = rng.choice((3, 4), count * 2, p=(0.22, 0.78))
        for letter_row, length in zip(letters[draws], lengths, strict=True):
            symbol = "".join(letter_row[:length])
            if symbol not in taken and len(found) < count:
                taken.add(symbol)
                found.append(symbol)
    return found


def _company_names(rng: np.random.Generator, sectors: list[str]) -> list[str]:
    taken: set[str] = set()
    names = []
    for sector in sectors:
        while True:
            head, middle, end = rng.choice(HEADS), rng.choice(MIDDLES), rng.choice(ENDS)
            name = f"{head}{middle}{end} {rng.choice(TAILS[sector])}"
            if name not in taken:
                taken.add(name)
                names.append(name)
                break
    return names


def _common(rng: np.random.Generator, count: int) -> Universe:
    sectors = [SECTORS[i] for i in rng.choice(len(SECTORS), count, p=np.array(SHARES) / sum(SHARES))]
    cap = np.exp(rng.normal(np.log(1.1e9), 1.9, count)).clip(4e6, 9e11)
    size = np.log(cap / 1e9)
    price = np.exp(rng.normal(np.log(17.0) + 0.3 * size, 0.95)).clip(0.12, 1800.0)
    volatility = (0.038 * np.exp(-0.16 * size) * np.exp(rng.normal(0, 0.25, count))).clip(0.007, 0.11)
    volatility *= np.where(np.array(sectors) == "Health Care", 1.3, 1.0)
    turnover = np.exp(rng.normal(np.log(0.006), 0.8, count))
    turnover = np.where(rng.random(count) < 0.08, turnover * 0.02, turnover)
    endings = rng.choice(("Inc. Common Stock", "Corp. Common Stock", "Holdings Ltd. Ordinary Shares"), count)
    names = [f"{name} {end}" for name, end in zip(_company_names(rng, sectors), endings, strict=True)]
    return Universe(
        symbols=made_up_symbols(rng, count),
        names=names,
        exchanges=[str(x) for x in rng.choice(("NASDAQ", "NYSE", "AMEX", "BATS"), count, p=(0.58, 0.36, 0.05, 0.01))],
        sectors=sectors,
        industries=[str(rng.choice(INDUSTRIES[sector])) for sector in sectors],
        market_cap=cap,
        price=price.round(4),
        volatility=volatility,
        beta=rng.normal(1.0, 0.35, count).clip(0.1, 2.5),
        shares=(cap * turnover / price).clip(200, 4e8),
        common=count,
    )


def _odd_issue(kind: str, number: int, parent: str, parent_name: str) -> tuple[str, str, str]:
    """(symbol, name, exchange) of an issue that must never be scanned."""
    company = parent_name.rsplit(" Common", 1)[0].rsplit(" Ordinary", 1)[0]
    if kind == "warrant":
        return f"{parent}W"[-5:], f"{company} Warrants", "NASDAQ"
    if kind == "unit":
        return f"{parent}U"[-5:], f"{company} Units", "NASDAQ"
    if kind == "right":
        return f"{parent}R"[-5:], f"{company} Rights", "NASDAQ"
    if kind == "preferred":
        return f"{parent}.PRA", f"{company} 6.25% Series A Preferred Stock", "NYSE"
    if kind == "test":
        return f"Z{'VWXYABCDEF'[number % 10]}ZZT", f"NASDAQ TEST STOCK {number}", "NASDAQ"
    return f"{parent[:3]}YF"[-5:], f"{company} (OTC)", "OTC"


def _famous() -> Universe:
    return Universe(
        symbols=[row[0] for row in FAMOUS],
        names=[row[1] for row in FAMOUS],
        exchanges=[row[2] for row in FAMOUS],
        sectors=[row[3] for row in FAMOUS],
        industries=[row[4] for row in FAMOUS],
        market_cap=np.array([row[5] for row in FAMOUS]),
        price=np.array([row[6] for row in FAMOUS]),
        volatility=np.array([0.006, 0.011, 0.010, 0.014, 0.004]),
        beta=np.array([1.0, 1.1, 1.0, 1.5, 0.4]),
        shares=np.array([7.0e7, 5.0e7, 2.2e7, 1.8e8, 9.0e7]),
        common=len(FAMOUS),
    )


def _odd(rng: np.random.Generator, parents: Universe, each: int) -> Universe:
    rows: dict[str, tuple[str, str, str, int]] = {}
    for kind in ODD:
        for number, parent in enumerate(rng.choice(len(parents), each, replace=False)):
            symbol, name, exchange = _odd_issue(kind, number, parents.symbols[parent], parents.names[parent])
            if symbol not in rows and symbol not in parents.symbols:
                rows[symbol] = (symbol, name, exchange, int(parent))
    parent_rows = np.array([row[3] for row in rows.values()])
    count = len(rows)
    return Universe(
        symbols=list(rows),
        names=[row[1] for row in rows.values()],
        exchanges=[row[2] for row in rows.values()],
        sectors=[parents.sectors[i] for i in parent_rows],
        industries=[parents.industries[i] for i in parent_rows],
        market_cap=np.zeros(count),
        price=(parents.price[parent_rows] * rng.uniform(0.02, 1.0, count)).clip(0.05, 100.0).round(2),
        volatility=np.full(count, 0.04),
        beta=np.ones(count),
        shares=rng.uniform(2e3, 4e4, count),
        common=0,
    )


def make_universe(rng: np.random.Generator, names: int) -> Universe:
    """`names` common shares, the famous five among them, and about a hundredth of odd issues on top."""
    parents = _common(rng, max(0, names - len(FAMOUS)))
    odd = _odd(rng, parents, max(1, min(len(parents), names // 400)))
    parts = (_famous(), parents, odd)

    def joined(field: str) -> list[str]:
        return [value for part in parts for value in getattr(part, field)]

    def stacked(field: str) -> Floats:
        return np.concatenate([getattr(part, field) for part in parts])

    return Universe(
        symbols=joined("symbols"),
        names=joined("names"),
        exchanges=joined("exchanges"),
        sectors=joined("sectors"),
        industries=joined("industries"),
        market_cap=stacked("market_cap"),
        price=stacked("price"),
        volatility=stacked("volatility"),
        beta=stacked("beta"),
        shares=stacked("shares"),
        common=names,
    )
