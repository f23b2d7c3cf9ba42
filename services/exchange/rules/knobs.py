"""What can be turned at the venue, and what an account holder can set. Defaults are Alpaca's paper account of 2026."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.domain.base import Value

Milliseconds = Annotated[float, Field(ge=1, le=600_000)]
Fraction = Annotated[float, Field(ge=0, le=1)]
FeeCharging = Literal["at_fill", "end_of_day", "next_morning", "none"]
"""When an account is charged regulatory fees: at each fill, at 20:17 in New York (as Alpaca does), the next day at
08:00, or never.
"""


class VenueSettings(Value):
    """`spread_bps`: quoted width of a name trading 50 million USD a day. `slippage_bps`: added against the client on
    market orders and stops. `partial_fill_fraction`: share of orders whose first fill is a part. `participation`: most
    of a bar's volume one order may take, 0 for no limit. Latencies never reach zero, so nothing happens at the very
    moment of the request. `legacy_nested`: list brackets as the API did in 2020. `*_requests_per_minute`: of market
    time, for each account, 0 for no limit. `recent_sip`: consolidated data younger than 15 minutes is served.
    `one_stream_per_host`: a second trading stream from an address is refused at the handshake (429), as Alpaca does;
    off, several accounts of one machine may listen, and a second one of the same account is told so and closed.
    `stream_symbols`: most symbols of one market-data connection, 0 for no limit. `easy_to_borrow`: assets still have
    that field. `trading_blocked`, `account_blocked`: keys of accounts that may not trade.
    """

    spread_bps: Annotated[float, Field(ge=0, le=1_000)] = 2.0
    slippage_bps: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    partial_fill_fraction: Fraction = 0.10
    partial_fill_gap_ms: Milliseconds = 2_000.0
    ack_latency_ms: Milliseconds = 50.0
    fill_latency_ms: Milliseconds = 100.0
    cancel_latency_ms: Milliseconds = 500.0
    participation: Fraction = 0.0
    fee_charging: FeeCharging = "end_of_day"
    starting_cash: Annotated[Decimal, Field(gt=0)] = Decimal(100_000)
    margin_multiplier: Literal[1, 2, 4] = 4
    bracket_needs_flat: bool = True
    legacy_nested: bool = False
    inactive: tuple[str, ...] = ()
    not_tradable: tuple[str, ...] = ()
    not_fractionable: tuple[str, ...] = ()
    not_shortable: tuple[str, ...] = ()
    hard_to_borrow: tuple[str, ...] = ()
    trading_requests_per_minute: Annotated[int, Field(ge=0)] = 0
    data_requests_per_minute: Annotated[int, Field(ge=0)] = 0
    recent_sip: bool = True
    stream_symbols: Annotated[int, Field(ge=0)] = 0
    one_stream_per_host: bool = False
    easy_to_borrow: bool = True
    trading_blocked: tuple[str, ...] = ()
    account_blocked: tuple[str, ...] = ()
    seed: int = 0


UNLIMITED: dict[str, Any] = {
    "trading_requests_per_minute": 0,
    "data_requests_per_minute": 0,
    "recent_sip": True,
    "stream_symbols": 0,
    "legacy_nested": False,
    "easy_to_borrow": True,
}
"""What every preset decides, and the settings of a venue that was given none."""
PRESETS: dict[str, dict[str, Any]] = {
    "paper-2026": {**UNLIMITED, "trading_requests_per_minute": 200, "data_requests_per_minute": 10_000},
    "free-data": {
        **UNLIMITED,
        "trading_requests_per_minute": 200,
        "data_requests_per_minute": 200,
        "recent_sip": False,
        "stream_symbols": 30,
    },
    "legacy-nested": {**UNLIMITED, "legacy_nested": True},
    "none": UNLIMITED,
}
"""Alpaca's plans and habits by name. `easy_to_borrow` was to go in September 2026, yet the SDK needs it: say which."""


class AccountConfig(Value):
    """`/v2/account/configurations`; the pattern-day-trader fields are gone since July 2026."""

    fractional_trading: bool = True
    max_margin_multiplier: Literal["1", "2", "4"] = "4"
    no_shorting: bool = False
    suspend_trade: bool = False
    trade_confirm_email: Literal["all", "none"] = "all"
    ptp_no_exception_entry: bool = False
    max_options_trading_level: int | None = None
