"""One trade under judgement, and how large it may be."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from services.risk_manager.rules.book import HUNDRED, Book, Holding, Limits, Subject
from services.risk_manager.rules.levels import Levels, Reference, levels_of, reference_of

MOST_SHARES = 10_000_000
HALF_CENT = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Case:
    """A subject with its levels and a number of shares. `sized` is what the limits leave; `shares` what is tested.

    Where the limits leave nothing, one share is tested, so that every check tells by how much it missed. `claimed`
    is a price that the asker named (a validation): then nothing is sized and the market only has to be near it.
    `passed_over` are the symbols of approvals that wait to be used and do not count against a mere question.
    """

    subject: Subject
    book: Book
    limits: Limits
    now: datetime
    reference: Reference
    levels: Levels
    sized: int
    claimed: Decimal | None = None
    passed_over: tuple[str, ...] = ()

    @property
    def shares(self) -> int:
        return max(1, self.sized)

    @property
    def value(self) -> Decimal:
        """What the shares cost at most, USD."""
        return self.reference.cost * self.shares

    @property
    def risk(self) -> Decimal:
        """What the stop would lose on them at most, USD."""
        return max(Decimal(0), self.reference.cost - self.levels.stop) * self.shares

    @property
    def sector_limited(self) -> bool:
        chosen = self.limits.sectors_to_limit
        return not chosen or self.subject.sector in chosen

    def holding(self) -> Holding:
        """How the trade counts against the next one."""
        return Holding(
            symbol=self.subject.symbol,
            kind="approval",
            sector=self.subject.sector,
            value=self.value,
            risk=self.risk,
        )


def _whole(shares: Decimal) -> int:
    return max(0, min(MOST_SHARES, int(shares.to_integral_value(ROUND_FLOOR))))


def shares_for(
    subject: Subject, book: Book, limits: Limits, reference: Reference, levels: Levels, size_factor: Decimal
) -> int:
    """Whole shares: the smallest of the limits on one trade, times the factor, and never more than any limit leaves.

    A factor above one enlarges nothing that is already at its limit, nor what a person has capped.
    """
    cost, risk = reference.cost, reference.cost - levels.stop
    if risk <= 0:
        return 0
    volume = Decimal(str(subject.average_volume)) * Decimal(str(limits.max_share_of_volume_pct)) / HUNDRED
    single = min(limits.max_position_size / cost, limits.max_risk_per_trade / risk, volume)
    left = [
        book.free_buying_power / cost,
        (limits.max_total_exposure - book.exposure) / cost,
        (limits.max_daily_loss - book.day_loss - book.risk) / risk,
    ]
    if subject.cap is not None:
        left.append(Decimal(subject.cap.quantity_max))
        if subject.cap.risk_max_usd is not None:
            # It was shown in whole cents: what was shown as the same amount is the same amount.
            left.append((subject.cap.risk_max_usd + HALF_CENT) / risk)
    if not limits.sectors_to_limit or subject.sector in limits.sectors_to_limit:
        left.append((limits.max_sector_exposure - book.sector_exposure(subject.sector)) / cost)
    return min(_whole(single * size_factor), _whole(single), *map(_whole, left))


def case_of(subject: Subject, book: Book, limits: Limits, now: datetime, size_factor: Decimal) -> Case:
    """A candidate with levels and size of our own making."""
    reference = reference_of(subject, limits, now)
    levels = levels_of(reference.price, subject, limits, reference.cost)
    shares = shares_for(subject, book, limits, reference, levels, size_factor)
    return Case(subject, book, limits, now, reference, levels, shares)


def case_as_asked(subject: Subject, book: Book, limits: Limits, now: datetime, quantity: int, price: Decimal) -> Case:
    """Somebody's own quantity and price, with the default stop and target around that price.

    It is only a question: what is held or on its way counts against it, an approval that nobody has used does not, and
    the answer says which those are.
    """
    waiting = tuple(sorted({holding.symbol for holding in book.holdings if holding.kind == "approval"}))
    book = replace(book, holdings=tuple(holding for holding in book.holdings if holding.kind != "approval"))
    market = reference_of(subject, limits, now)
    reference = Reference(price, price, market.age_seconds, market.source)
    return Case(
        subject, book, limits, now, reference, levels_of(price, subject, limits), quantity, market.price, waiting
    )
