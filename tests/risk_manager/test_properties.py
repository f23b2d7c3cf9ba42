"""Whatever is asked, no set of approvals breaks a limit, and no factor lifts a size above one."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.risk_manager.rules.book import Book, Limits, Subject
from services.risk_manager.rules.case import case_of
from services.risk_manager.rules.judge import Decision, Question, judge_all
from shared.domain.market import tick_size
from tests.risk_manager import facts

SECTORS = ("Energy", "Finance", None)
factors = st.decimals("0.1", "2", places=2)
dollars = st.floats(0.2, 900).map(lambda price: round(price, 4))


@st.composite
def subjects(draw: st.DrawFn, symbol: str) -> Subject:
    price = draw(dollars)
    level = st.none() | st.floats(0.5, 1.5).map(lambda part: price * part)
    return facts.subject(
        symbol=symbol,
        price=price,
        average_volume=draw(st.floats(0, 3e6)),
        sector=draw(st.sampled_from(SECTORS)),
        atr=draw(st.none() | st.floats(0.001, 0.2).map(lambda part: price * part)),
        stop=draw(level),
        target=draw(level),
        trade=facts.trade(symbol, price, draw(st.floats(0, 90))),
        quote=facts.quote(symbol, price * 0.999, price * draw(st.floats(1.0, 1.003))),
    )


@st.composite
def books(draw: st.DrawFn) -> Book:
    kinds = st.sampled_from(["position", "entry", "approval"])
    held = tuple(
        facts.holding(f"H{n}", draw(st.integers(0, 5000)), kind=draw(kinds), sector=draw(st.sampled_from(SECTORS)),
                      risk=Decimal(draw(st.integers(0, 150))))
        for n in range(draw(st.integers(0, 5)))
    )  # fmt: skip
    return facts.book(
        buying_power=Decimal(draw(st.integers(-100, 60_000))), day_pnl=Decimal(draw(st.integers(-2500, 500))),
        holdings=held, approve_max=draw(st.integers(0, 6)),
    )  # fmt: skip


@st.composite
def bounds(draw: st.DrawFn) -> Limits:
    return facts.limits(
        max_positions=draw(st.integers(1, 8)),
        max_position_size=Decimal(draw(st.integers(50, 10_000))),
        max_risk_per_trade=Decimal(draw(st.integers(5, 400))),
        max_total_exposure=Decimal(draw(st.integers(500, 30_000))),
        max_daily_loss=Decimal(draw(st.integers(50, 3000))),
        max_sector_exposure=Decimal(draw(st.integers(200, 12_000))),
        min_stop_pct=draw(st.floats(0.1, 2)),
        max_stop_pct=draw(st.floats(2, 9)),
    )


def _judged(asked: list[Subject], held: Book, most: Limits, factor: Decimal) -> tuple[Decision, ...]:
    return judge_all(tuple(asked), held, most, facts.NOW, Question("20260615-093500", 1, factor), {})


six = st.tuples(*(subjects(f"S{n}") for n in range(6))).map(list)


@given(six, books(), bounds(), factors)
def test_no_approved_set_breaks_a_limit(asked: list[Subject], held: Book, most: Limits, factor: Decimal) -> None:
    decisions = _judged(asked, held, most, factor)
    orders = [one.verdict.order for one in decisions if one.verdict.order is not None]
    assert [one.verdict.approved for one in decisions] == [one.verdict.order is not None for one in decisions]
    assert len(orders) <= (held.approve_max or 0)
    if not orders:
        return
    sectors = {one.symbol: one.sector for one in asked}
    values = {order.symbol: order.quantity * order.reference_price for order in orders}
    risks = {order.symbol: order.quantity * (order.reference_price - order.stop_price) for order in orders}
    assert len(held.symbols | values.keys()) <= most.max_positions
    assert max(values.values()) <= most.max_position_size
    assert max(risks.values()) <= most.max_risk_per_trade
    assert sum(values.values()) <= held.free_buying_power
    assert held.exposure + sum(values.values()) <= most.max_total_exposure
    assert held.day_loss + held.risk + sum(risks.values()) <= most.max_daily_loss
    for sector in {sectors[symbol] for symbol in values}:
        mine = sum(value for symbol, value in values.items() if sectors[symbol] == sector)
        assert held.sector_exposure(sector) + mine <= most.max_sector_exposure


@given(subjects("ACME"), bounds())
def test_levels_stand_on_the_tick_inside_their_bounds(one: Subject, most: Limits) -> None:
    made = case_of(one, facts.book(), most, facts.NOW, Decimal(1))
    reference, stop, target = made.reference.price, made.levels.stop, made.levels.target
    assert stop % tick_size(stop) == 0
    assert target % tick_size(target) == 0
    assert target > reference
    assert target - reference >= reference * Decimal("0.003")
    if facts.check("stop_distance", made).passed:
        assert reference * Decimal("0.003") <= reference - stop
        assert reference - stop <= reference * Decimal(str(most.max_stop_pct)) / 100 + Decimal("1e-9")


@given(subjects("ACME"), books(), bounds(), factors, factors)
def test_more_factor_never_means_fewer_shares_nor_more_than_the_limits(
    one: Subject, held: Book, most: Limits, first: Decimal, second: Decimal
) -> None:
    small, large = sorted((first, second))
    sizes = [case_of(one, held, most, facts.NOW, factor).sized for factor in (small, large)]
    assert sizes == sorted(sizes)
    full = case_of(one, held, most, facts.NOW, Decimal(1)).sized
    assert all(size <= full for size in sizes)


@given(subjects("ACME"), books(), bounds(), st.integers(1, 5000))
def test_a_looser_limit_never_means_fewer_shares(one: Subject, held: Book, most: Limits, more: int) -> None:
    before = case_of(one, held, most, facts.NOW, Decimal(1)).sized
    for name in ("max_position_size", "max_risk_per_trade", "max_total_exposure", "max_daily_loss"):
        looser = most.model_copy(update={name: getattr(most, name) + more})
        assert case_of(one, held, looser, facts.NOW, Decimal(1)).sized >= before


@given(six, books(), bounds(), factors)
def test_the_same_question_has_the_same_answer(asked: list[Subject], held: Book, most: Limits, factor: Decimal) -> None:
    assert _judged(asked, held, most, factor) == _judged(asked, held, most, factor)
