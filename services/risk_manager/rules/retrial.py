"""Stored decisions judged once more under other limits: the same functions, over what was stored of each.

Levels, costs, the book and what the market said are read back from the checks. What no limit of the files bears on
stays as it was stored; what was never measured is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from services.risk_manager.rules.book import Book, Holding, Limits, Subject
from services.risk_manager.rules.case import Case, shares_for
from services.risk_manager.rules.checks import CHECKS, at_most, correlation
from services.risk_manager.rules.judge import Question, order_on, verdict_of, verdict_on
from services.risk_manager.rules.levels import NEAREST_LEG_PCT, Levels, Reference, levels_of
from shared.domain.cycle import DecideRequest, Retried
from shared.domain.evidence import Scored
from shared.domain.market import tick_size, to_tick
from shared.domain.order import Check, Verdict
from shared.domain.price import PriceSource
from shared.domain.session import Session, trading_day

AS_STORED = frozenset({"halted", "market_open", "duplicate_or_held", "clock_offset"})
NOTES_AS_STORED = frozenset({"daily_loss_used", "fresh_price"})
ELSEWHERE = "other sectors"
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Past:
    """One decision as it was stored."""

    verdict: Verdict
    shares: int
    price: Decimal
    stop: Decimal
    target: Decimal
    at: datetime
    sector: str | None
    checks: Mapping[str, Check]

    def number(self, name: str) -> Decimal:
        """A check's value, exactly; 0 where it had none."""
        check = self.checks.get(name)
        return Decimal(0) if check is None or check.value is None else Decimal(str(check.value))

    def value(self, name: str) -> float | None:
        check = self.checks.get(name)
        return check.value if check is not None else None

    @property
    def cost(self) -> Decimal:
        """The most a share would have cost."""
        return to_tick(self.number("max_position_size") / self.shares)

    @property
    def place(self) -> Decimal:
        """Approvals in its request up to and with this one."""
        return self.number("approvals")

    @property
    def is_held(self) -> bool:
        return not self.checks["duplicate_or_held"].passed

    @property
    def origin(self) -> str:
        """Where stop and target came from, as the check says it."""
        return self.checks["stop_distance"].note.partition("(")[2].partition(")")[0]


def past_of(row: Mapping[str, Any], sector: str | None) -> Past:
    """A row of risk_decisions."""
    verdict = verdict_of(row)
    price, stop, target = (to_tick(row[name]) for name in ("reference_price", "stop_price", "take_profit_price"))
    checks = {check.name: check for check in verdict.checks}
    return Past(verdict, row["quantity"] or 1, price, stop, target, row["decided_at"], sector, checks)


def book_before(past: Sequence[Past], most: int) -> Book:
    """The book as it stood before the first approval of the request; holdings have the names that are known."""
    first = min(past, key=lambda one: (one.place, one.verdict.symbol))
    exposure = first.number("total_exposure") - first.number("max_position_size")
    sectors = dict[str | None, Decimal]()
    for one in past:
        earlier = (other for other in _approved_before(one, past) if other.sector == one.sector)
        counted = sum((other.number("max_position_size") for other in earlier), one.number("max_position_size"))
        sectors.setdefault(one.sector, one.number("sector_exposure") - counted)
    parts = [(sector, value) for sector, value in sectors.items() if abs(value) >= CENT]
    rest = exposure - sum((value for _, value in parts), Decimal(0))
    parts += [(ELSEWHERE, rest)] if abs(rest) >= CENT else []
    names = sorted(one.verdict.symbol for one in past if one.is_held)
    count = int(first.number("max_positions")) - (not first.is_held)
    names += [f"holding {number}" for number in range(len(names) + 1, count + 1)]
    parts += [(ELSEWHERE, Decimal(0))] * (len(names) - len(parts))
    holdings = tuple(
        Holding(symbol=names[min(place, len(names) - 1)], kind="position", sector=sector, value=value, risk=Decimal(0))
        for place, (sector, value) in enumerate(parts)
        if names
    )
    entries = first.value("entries_per_day")
    return Book(
        buying_power=Decimal(str(first.checks["buying_power"].limit)),
        day_pnl=first.number("risk_per_trade") - first.number("daily_loss_used"),
        trading_allowed=True,
        holdings=holdings,
        approvals=max(0, int(first.place) - 1),
        entries_today=0 if entries is None else int(entries) - 1,
        approve_max=most,
    )


def _approved_before(one: Past, past: Sequence[Past]) -> tuple[Past, ...]:
    return tuple(other for other in past if other.verdict.approved and other.place < one.place)


def retried(
    asked: DecideRequest, rows: Sequence[Mapping[str, Any]], sectors: Mapping[str, str], limits: Limits
) -> tuple[Retried, ...]:
    """Both verdicts of each candidate that has a stored one, in the order asked; approvals count as they would have.

    The rows are those of one request, of which each decision saw the approvals before it.
    """
    found = {row["symbol"]: row for row in rows}
    pairs = [
        (one, past_of(found[one.symbol], sectors.get(one.symbol) or one.sector or None))
        for one in asked.candidates
        if one.symbol in found
    ]
    if not pairs:
        return ()
    past = [one for _, one in pairs]
    book, answers = book_before(past, asked.approve_max), list[Retried]()
    question = Question(asked.cycle_id, asked.scan, asked.size_factor, asked.attempt)
    approved: frozenset[str] = frozenset()
    for scored, one in pairs:
        case = _case(scored, one, book, limits, asked.size_factor)
        before = frozenset(other.verdict.symbol for other in _approved_before(one, past))
        checks, unknown = _checks(case, one, before, approved)
        answers.append(Retried(was=one.verdict, would=_verdict(case, one, checks, question), unknown=unknown))
        if answers[-1].would.approved:
            book, approved = book.approve(case.holding()), approved | {scored.symbol}
    return tuple(answers)


def _verdict(case: Case, past: Past, checks: tuple[Check, ...], question: Question) -> Verdict:
    order = order_on(case, question, past.verdict.decision_id, 0)
    if order is not None and past.verdict.order is not None:
        order = order.model_copy(update={"client_order_id": past.verdict.order.client_order_id})
    return verdict_on(case, checks, past.verdict.decision_id, order)


def _case(scored: Scored, past: Past, book: Book, limits: Limits, size_factor: Decimal) -> Case:
    """The case with the market as it was; the session is known by the minutes that were left of it."""
    minutes, loss = past.value("not_in_last_minutes"), past.value("cooldown")
    close = None if minutes is None else past.at + timedelta(minutes=minutes)
    session = None if close is None else Session(day=trading_day(past.at), open=past.at, close=close)
    losses = {} if loss is None else {scored.symbol: past.at - timedelta(minutes=loss)}
    book = replace(book, session=session, last_losses=losses)
    spread, age = past.value("spread"), past.value("fresh_price")
    subject = Subject(scored.symbol, scored.price, scored.average_volume, past.sector, spread)
    # Where the price came from, the stored note says.
    reference, levels = Reference(past.price, past.cost, age, PriceSource.SCAN), _levels(past, scored, limits)
    shares = shares_for(subject, book, limits, reference, levels, size_factor)
    return Case(subject, book, limits, past.at, reference, levels, shares)


def _levels(past: Past, scored: Scored, limits: Limits) -> Levels:
    """Stop and target as they were, unless the stop lies outside the bounds now or was the configured default."""
    distance, least = float(past.number("stop_distance")), max(limits.min_stop_pct, float(NEAREST_LEG_PCT))
    was, subject = Levels(past.stop, past.target, past.origin), Subject(scored.symbol, scored.price, 0.0)
    if past.origin.startswith("stop: default"):
        fresh = levels_of(past.price, subject, limits)
    elif least <= distance <= max(limits.max_stop_pct, least):
        return was
    else:
        fresh = levels_of(past.price, replace(subject, stop=float(past.stop)), limits)
    return was if fresh.stop == was.stop else fresh


def _checks(
    case: Case, past: Past, before: frozenset[str], now: frozenset[str]
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """Every check again, and what nobody measured. `before` and `now`: approvals that count ahead of it."""
    checks, unknown = list[Check](), list(_unmeasured(case, past))
    for make in CHECKS:
        stored = past.checks.get(make.__name__)
        is_unknown = stored is not None and stored.name == "daily_loss_used" and stored.value is None
        if stored is None or stored.name in AS_STORED or is_unknown:
            checks += [stored] if stored else []
        elif stored.name == "correlation":
            check, why = _correlation(case, stored, before, now)
            checks.append(check)
            unknown += why
        else:
            check = make(case)
            checks.append(check.model_copy(update={"note": stored.note}) if check.name in NOTES_AS_STORED else check)
    return tuple(checks), tuple(unknown)


def _correlation(
    case: Case, stored: Check, before: frozenset[str], now: frozenset[str]
) -> tuple[Check, tuple[str, ...]]:
    """The nearest of those held then, against the limit of now; who came or went since was not measured."""
    if not case.limits.check_correlation:
        return correlation(case), ()
    if stored.note == "switched off":
        return stored, ("correlation was switched off and not measured",)
    gone, come = sorted(before - now), sorted(now - before)
    again = stored
    if stored.value is not None:
        again = at_most(stored.name, stored.value, case.limits.max_correlation, stored.note)
    named = stored.note.replace(",", " ").replace(";", " ").split()
    unknown = (f"correlation with {', '.join(come)}",) if come else ()
    if not (words := ", ".join(one for one in gone if one in named)):
        return again, unknown
    # Whoever passed beside a name that would not be there passes without it, too.
    if again.passed:
        return Check(name=stored.name, passed=True, note=f"within the limit even beside {words}"), unknown
    note = f"not known: measured against {words}, which would not be there"
    return Check(name=stored.name, passed=True, note=note), (*unknown, f"correlation without {words}")


def _unmeasured(case: Case, past: Past) -> Iterator[str]:
    if case.limits.max_entries_per_day and past.value("entries_per_day") is None:
        yield "entries of the day were not counted; only those of this scan are"
    stop, tick = past.checks["stop_distance"], float(tick_size(past.price) / past.price * 100)
    at_bound = stop.value is not None and stop.limit is not None and stop.value > stop.limit - tick
    if at_bound and case.limits.max_stop_pct > (stop.limit or 0):
        yield "the stop stood at its bound; how far away it wanted to be was not stored"
