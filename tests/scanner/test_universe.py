"""Which assets are looked at."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.rules.universe import companies_of, exclusion, refresh_due, sectors_of, select
from shared.domain.market import Asset


def asset(symbol: str = "ACME", name: str = "Acme Inc. Common Stock", exchange: str = "NYSE", **other: object) -> Asset:
    return Asset.model_validate(
        {"symbol": symbol, "name": name, "exchange": exchange, "tradable": True, "active": True} | other
    )


KEPT = [
    ("ACME", "Acme Inc. Common Stock", "NYSE"),
    ("BRK.B", "Berkshire Hathaway Inc. Class B", "NYSE"),
    ("SPY", "SPDR S&P 500 ETF Trust", "ARCA"),
    ("PFF", "iShares Preferred and Income Securities ETF", "NASDAQ"),
    ("FPF", "First Trust Intermediate Duration Preferred & Income Fund Common Shares", "NYSE"),
    ("ET", "Energy Transfer LP Common Units", "NYSE"),
    ("VOC", "VOC Energy Trust Units of Beneficial Interest", "NYSE"),
    ("AMX", "America Movil American Depositary Shares (each representing the right to receive 20 shares)", "NYSE"),
    ("ITUB", "Itau Unibanco American Depositary Shares (Each repstg 500 Preferred shares)", "NYSE"),
    ("IRS", "IRSA Inversiones Global Depositary Shares (Each representing ten shares of Common Stock)", "NYSE"),
    ("MAR", "Marriott International Class A Common Stock", "NASDAQ"),
    ("AEHR", "Aehr Test Systems Common Stock", "NASDAQ"),
    ("CBOE", "Cboe Global Markets", "BATS"),
    ("GOOGL", "Alphabet Inc. Class A Common Stock", "NASDAQ"),
    ("CRW", "Bright Rightway Holdings Common Stock", "AMEX"),
    ("ABCDW", "Abcd Widgets Inc. Common Stock", "NASDAQ"),
    ("TXG", "10x Genomics Inc. Class A Common Stock", "NASDAQ"),
    ("UCTT", "Ultra Clean Holdings Inc. Common Stock", "NASDAQ"),
    ("BBW", "Build-A-Bear Workshop Inc. Common Stock", "NYSE"),
    ("VGSH", "Vanguard Short-Term Treasury ETF", "NASDAQ"),
    ("SRLN", "SPDR Blackstone Leveraged Loan ETF", "ARCA"),
    ("ICSH", "iShares Ultra Short Duration Bond Active ETF", "BATS"),
    ("NOBL", "ProShares S&P 500 Dividend Aristocrats ETF", "BATS"),
]
EXCLUDED: list[tuple[str, str, str, str, dict[str, object]]] = [
    ("otc", "ACMEF", "Acme Foreign", "OTC", {}),
    ("exchange", "ACME", "Acme", "ASCX", {}),
    ("inactive", "ACME", "Acme", "NYSE", {"active": False}),
    ("not_tradable", "ACME", "Acme", "NYSE", {"tradable": False}),
    ("barred_attribute", "MLP", "Some Partners LP Common Units", "NYSE", {"attributes": ("ptp_no_exception",)}),
    ("barred_attribute", "NEWCO", "Newco", "NASDAQ", {"attributes": ("has_options", "ipo")}),
    ("warrant", "ACME.WS", "Acme", "NYSE", {}),
    ("warrant", "ACMEW", "Acme Corp.", "NASDAQ", {}),
    ("warrant", "ACMZ", "Acme Corp. Warrant expiring 2030", "NASDAQ", {}),
    ("unit", "ACME.U", "Acme Acquisition", "NYSE", {}),
    ("unit", "ACMQ", "Acme Acquisition Partners V Inc. Units, each consisting of one share", "NASDAQ", {}),
    ("right", "ACME.RT", "Acme", "NYSE", {}),
    ("right", "ACMG", "Acme Acquisition Corp. Right", "NASDAQ", {}),
    ("preferred", "ACME.PRA", "Acme", "NYSE", {}),
    ("preferred", "ACMX", "Acme 6.5% Series A Cumulative Preferred Stock", "NYSE", {}),
    ("preferred", "ACMEP", "Acme Depositary Shares", "NASDAQ", {}),
    ("preferred", "BANKP", "First Bank Inc. Depositary Shares", "NASDAQ", {}),
    ("note", "ACMB", "Acme Corp. 7.75% Notes Due 2030", "NYSE", {}),
    ("note", "ENJ", "Entergy LLC First Mortgage Bonds 5.0% Series", "NYSE", {}),
    ("when_issued", "ACME.WI", "Acme When Issued", "NYSE", {}),
    ("test", "ZVZZT", "NASDAQ TEST STOCK", "NASDAQ", {}),
    ("test", "NTEST.A", "NYSE Test", "NYSE", {}),
    ("test", "CBTX", "BATS Test Issue", "BATS", {}),
    ("geared", "TQQQ", "ProShares UltraPro QQQ", "NASDAQ", {}),
    ("geared", "SH", "ProShares Short S&P500", "ARCA", {}),
    ("geared", "SOXL", "Direxion Daily Semiconductor Bull 3X Shares", "ARCA", {}),
    ("geared", "TSLS", "Direxion Daily TSLA Bear 1X ETF", "NASDAQ", {}),
    ("geared", "NVDL", "GraniteShares 2x Long NVDA Daily ETF", "NASDAQ", {}),
    ("geared", "NVDQ", "T-Rex 2X Inverse NVIDIA Daily Target ETF", "BATS", {}),
    ("geared", "FNGU", "MicroSectors FANG+ Index 3X Leveraged ETN", "ARCA", {}),
    ("geared", "BITX", "Volatility Shares Trust 2x Bitcoin Strategy ETF", "BATS", {}),
    ("geared", "VXX", "iPath Series B S&P 500 VIX Short-Term Futures ETN", "BATS", {}),
    ("odd_symbol", "acme", "Acme", "NYSE", {}),
    ("odd_symbol", "TOOLONGNAME", "Acme", "NYSE", {}),
]
LISTED = frozenset({"ACME"})


@pytest.mark.parametrize(("symbol", "name", "exchange"), KEPT)
def test_shares_and_funds_stay(symbol: str, name: str, exchange: str) -> None:
    assert exclusion(asset(symbol, name, exchange), LISTED) is None


@pytest.mark.parametrize(("reason", "symbol", "name", "exchange", "other"), EXCLUDED)
def test_what_is_left_out_has_its_reason(
    reason: str, symbol: str, name: str, exchange: str, other: dict[str, object]
) -> None:
    assert exclusion(asset(symbol, name, exchange, **other), LISTED) == reason


@given(st.permutations([asset(s, n, e) for s, n, e in KEPT] + [asset(s, n, e, **o) for _, s, n, e, o in EXCLUDED[-9:]]))
def test_the_order_of_the_list_does_not_matter(assets: list[Asset]) -> None:
    selection = select(assets)
    assert [one.symbol for one in selection.kept] == sorted(symbol for symbol, _, _ in KEPT)
    assert sum(selection.counts.values()) == len(selection.excluded) == 9


@pytest.mark.parametrize(
    ("names", "same"),
    [
        (("Alphabet Inc. Class A Common Stock", "Alphabet Inc. Class C Capital Stock"), True),
        (("Central Garden & Pet Company Common Stock", "Central Garden & Pet Company Class A Nonvoting"), True),
        (("Lennar Corporation Class A", "Lennar Corporation Class B Common Stock"), True),
        (("Bradesco American Depositary Shares", "Bradesco American Depositary Shares (each one Common Share)"), True),
        (("Liberty Media Series A Formula One Common Stock", "Liberty Media Series A Live Common Stock"), False),
        (("Brookfield Corporation Class A Limited Voting Shares", "Brookfield Renewable Corporation Class A"), False),
        (("Direct Bank Holdings", "Direct Bank Holdings II"), False),
        (("", ""), False),
    ],
)
def test_lines_of_one_company(names: tuple[str, str], same: bool) -> None:
    one, other = companies_of([asset("A", names[0]), asset("B", names[1])]).tolist()
    assert (one == other) is same


def test_every_asset_is_kept_or_excluded_once() -> None:
    selection = select([asset("A"), asset("A", exchange="OTC"), asset("B", exchange="OTC")])
    assert [one.symbol for one in selection.kept] == ["A"]
    assert selection.excluded == {"B": "otc"}


@pytest.mark.parametrize(
    ("refreshed", "now", "due"),
    [
        ("2026-06-16T12:00", "2026-06-16T12:59", False),
        ("2026-06-16T12:00", "2026-06-16T13:00", True),
        ("2026-06-16T13:00", "2026-06-16T19:00", False),
        ("2026-06-16T13:00", "2026-06-17T12:59", False),
        ("2026-06-16T13:00", "2026-06-17T13:01", True),
        ("2026-06-16T13:00", "2026-06-15T14:00", True),
    ],
)
def test_the_universe_is_read_once_a_day_before_the_open(refreshed: str, now: str, due: bool) -> None:
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (refreshed, now)]
    assert refresh_due(*moments) is due


def test_sectors_from_a_file() -> None:
    assert sectors_of("symbol,sector\nacme, Energy \n,Lost\nNONE,\n") == {"ACME": "Energy"}
    assert sectors_of("") == {}
