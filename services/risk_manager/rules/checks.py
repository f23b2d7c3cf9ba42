"""Every limit an entry is held against, each a function from a case to a check, in the order of the answer."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from services.risk_manager.rules.case import Case
from services.risk_manager.rules.correlation import FEWEST_DAYS, closest
from services.risk_manager.rules.levels import NEAREST_LEG_PCT
from shared.domain.clock import MOST_APART
from shared.domain.order import Check

NEAR_MARKET_PCT = 5.0
Number = Decimal | float | int


def at_most(name: str, value: Number, limit: Number, note: str = "") -> Check:
    """Passes up to and including the limit."""
    margin = float(Decimal(str(limit)) - Decimal(str(value)))
    return Check(name=name, passed=margin >= 0, value=float(value), limit=float(limit), margin=margin, note=note)


def _least(name: str, value: Number, limit: Number, note: str = "") -> Check:
    margin = float(Decimal(str(value)) - Decimal(str(limit)))
    return Check(name=name, passed=margin >= 0, value=float(value), limit=float(limit), margin=margin, note=note)


def _says(name: str, passed: bool, note: str) -> Check:
    return Check(name=name, passed=passed, note=note)


def _clock_text(at: datetime | None) -> str:
    return f"it opens {at:%Y-%m-%d %H:%M} UTC" if at is not None else "no session is known in the days ahead"


def halted(case: Case) -> Check:
    if case.book.halted is not None:
        return _says("halted", False, f"trading is halted: {case.book.halted}")
    if not case.book.trading_allowed:
        return _says("halted", False, "the broker has blocked the account")
    return _says("halted", True, "not halted")


def market_open(case: Case) -> Check:
    is_open = case.book.session is not None and case.book.session.is_open(case.now)
    note = "the market is open" if is_open else f"the market is closed; {_clock_text(case.book.opens_at)}"
    return _says("market_open", is_open, note)


def not_in_last_minutes(case: Case) -> Check:
    if case.book.session is None:
        return _says("not_in_last_minutes", False, "no session today")
    left = max(0.0, case.book.session.minutes_to_close(case.now))
    return _least("not_in_last_minutes", round(left, 3), case.limits.last_minutes_without_entries, "minutes left")


def fresh_price(case: Case) -> Check:
    """How old the market's price is, in seconds; a price that was named must also be near the market."""
    name, age = "fresh_price", case.reference.age_seconds
    if age is None:
        return _says(name, False, f"the market has no price for it: there is only {case.reference.source.words}")
    if case.claimed is not None:
        drift = abs(float(case.reference.price / case.claimed - 1)) * 100
        if drift > NEAR_MARKET_PCT:
            return at_most(name, drift, NEAR_MARKET_PCT, f"percent away from the market, which is at {case.claimed}")
    return at_most(
        name, round(age, 3), case.limits.max_price_age_seconds, f"seconds old: {case.reference.source.words}"
    )


def stop_distance(case: Case) -> Check:
    # Both prices are exact, the percentage is not: a stop that stands at a bound stands inside it.
    distance = round(float((case.reference.price - case.levels.stop) / case.reference.price * 100), 9)
    least = max(case.limits.min_stop_pct, float(NEAREST_LEG_PCT))
    note = f"percent below the reference ({case.levels.source}), at most {case.limits.max_stop_pct}"
    if distance > least:
        return at_most("stop_distance", distance, case.limits.max_stop_pct, note)
    return _least("stop_distance", distance, least, note)


def duplicate_or_held(case: Case) -> Check:
    kinds = [held.kind for held in case.book.holdings if held.symbol == case.subject.symbol]
    words = {"position": "it is held", "entry": "an entry is on its way", "approval": "an approval waits to be used"}
    return _says("duplicate_or_held", not kinds, words[kinds[0]] if kinds else "not held, nothing on its way")


def max_positions(case: Case) -> Check:
    after = len(case.book.symbols | {case.subject.symbol})
    return at_most("max_positions", after, case.limits.max_positions, "with this one, entries and approvals counted")


def approvals(case: Case) -> Check:
    if case.passed_over:
        note = f"not counted here, as long as nobody uses them: approvals of {', '.join(case.passed_over)}"
        return _says("approvals", True, note)
    if case.book.approve_max is None:
        return _says("approvals", True, "no bound on approvals in this request")
    return at_most("approvals", case.book.approvals + 1, case.book.approve_max, "approvals in this request")


def max_position_size(case: Case) -> Check:
    return at_most("max_position_size", case.value, case.limits.max_position_size, "USD")


def min_position_size(case: Case) -> Check:
    if case.sized < 1:
        return _says("min_position_size", False, "the limits, or the size factor, leave no whole share")
    return _least("min_position_size", case.value, case.limits.min_position_size, "USD")


def risk_per_trade(case: Case) -> Check:
    note = f"USD with the stop at {case.levels.stop}"
    return at_most("risk_per_trade", case.risk, case.limits.max_risk_per_trade, note)


def buying_power(case: Case) -> Check:
    return at_most("buying_power", case.value, case.book.free_buying_power, "USD, approvals not yet sent taken off")


def daily_loss_used(case: Case) -> Check:
    """The day's loss, as if every stop that stands or is promised were hit, this one among them."""
    if not case.book.day_known:
        return _says("daily_loss_used", False, "nobody knows the day's loss: the broker and our books say too little")
    worst = case.book.day_loss + case.book.risk + case.risk
    return at_most("daily_loss_used", worst, case.limits.max_daily_loss, f"USD, of which lost {case.book.day_loss:.2f}")


def sector_exposure(case: Case) -> Check:
    sector = case.subject.sector
    after, limit = case.book.sector_exposure(sector) + case.value, case.limits.max_sector_exposure
    if not case.sector_limited:
        return Check(name="sector_exposure", passed=True, value=float(after), note=f"{sector} is not limited")
    return at_most("sector_exposure", after, limit, f"USD in {sector or 'names of unknown sector'}")


def correlation(case: Case) -> Check:
    """Only moving together counts: a name that moves against what is held is no second helping of the same risk."""
    name, symbol, book = "correlation", case.subject.symbol, case.book
    if not case.limits.check_correlation:
        return _says(name, True, "switched off")
    if not book.symbols - {symbol}:
        return _says(name, True, "nothing held to compare with")
    nearest, unknown = closest(symbol, book.symbols, case.subject.correlations)
    sectors = {held.symbol: held.sector for held in book.holdings}
    alike = [one for one in unknown if case.subject.sector is not None and sectors[one] == case.subject.sector]
    if alike:
        # What cannot be measured is taken for what it most likely is.
        note = f"fewer than {FEWEST_DAYS} days in common with {', '.join(alike)} of the same sector: taken as alike"
        return _says(name, False, note)
    unmeasured = f"; too few days in common with {', '.join(unknown)}" if unknown else ""
    if nearest is None:
        return _says(name, True, f"nothing to compare{unmeasured}")
    note = f"with {nearest[0]}, 60 daily returns{unmeasured}"
    return at_most(name, round(nearest[1], 4), case.limits.max_correlation, note)


def cooldown(case: Case) -> Check:
    lost_at = case.book.last_losses.get(case.subject.symbol)
    if lost_at is None:
        return _says("cooldown", True, "no recent loss on it")
    minutes = round((case.now - lost_at).total_seconds() / 60, 3)
    left = case.limits.loss_cooldown_minutes - minutes
    note = "minutes since the last loss on it" + (f", {left:.1f} more to wait" if left > 0 else "")
    return _least("cooldown", minutes, case.limits.loss_cooldown_minutes, note)


def entries_per_day(case: Case) -> Check:
    most = case.limits.max_entries_per_day
    if not most:
        return _says("entries_per_day", True, "no bound on entries in a day")
    return at_most("entries_per_day", case.book.entries_today + 1, most, "entries today with this one")


def spread(case: Case) -> Check:
    quote = case.subject.quote
    known = quote.spread_pct if quote is not None and quote.spread_pct is not None else case.subject.spread_pct
    if known is None:
        return _says("spread", False, "no quote with two sides")
    return at_most("spread", round(known, 4), case.limits.max_spread_pct, "percent")


def liquidity(case: Case) -> Check:
    most = case.subject.average_volume * case.limits.max_share_of_volume_pct / 100
    return at_most("liquidity", case.shares, most, f"shares; {case.limits.max_share_of_volume_pct} % of an average day")


def total_exposure(case: Case) -> Check:
    return at_most("total_exposure", case.book.exposure + case.value, case.limits.max_total_exposure, "USD")


def clock_offset(case: Case) -> Check:
    """Neither hours nor the age of a price can be judged by a clock that is wrong."""
    if case.book.clock_apart is None:
        return _says("clock_offset", True, "our clock and the broker's have not been compared yet")
    note = "seconds between our clock and the broker's"
    return at_most("clock_offset", round(case.book.clock_apart, 3), MOST_APART.total_seconds(), note)


CHECKS: tuple[Callable[[Case], Check], ...] = (
    halted, market_open, not_in_last_minutes, fresh_price, stop_distance, duplicate_or_held, max_positions, approvals,
    max_position_size, min_position_size, risk_per_trade, buying_power, daily_loss_used, sector_exposure, correlation,
    cooldown, entries_per_day, spread, liquidity, total_exposure, clock_offset,
)  # fmt: skip
