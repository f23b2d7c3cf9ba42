"""What past scans would have done under a candidate configuration, beside what they did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import Field

from config.trading import Config
from services.workflow.rules import fate, funnel, outcome
from services.workflow.rules.what_if.endings import Ending, endings, moved
from services.workflow.rules.what_if.replay_funnel import Descent, Past
from shared.domain.base import Value
from shared.domain.cycle import CycleView, DecideRequest, Files, Rejudged
from shared.domain.evidence import Stage
from shared.domain.order import Check, Verdict

DECIDED = ("risk", "execution")
MONEY = ("max_position_size", "risk_per_trade", "buying_power", "daily_loss_used", "sector_exposure", "liquidity",
         "total_exposure")  # fmt: skip
"""The checks whose limits a size is cut down to."""
REPLAYED = (
    "funnel.", "workflow.execute_top_n", "risk.", "position_limits.", "sector_limits.", "correlation.",
    "daily_limits.max_loss", "entry.", "positions.default_stop_loss_pct", "positions.default_take_profit_pct",
    "positions.max_hold_time_minutes",
)  # fmt: skip
"""Keys that a stored scan can be judged by; what another key would have changed was not stored."""


class TrialRequest(Value):
    """The two files' contents by name, and how many of the newest completed scans to look at."""

    files: Files
    scans: int = Field(default=10, ge=1, le=100)


class Place(Value):
    """One approved symbol. `shares` as approved; outcome: order, proposal, reserve, refused or unknown."""

    symbol: str
    shares: int
    outcome: str


class Difference(Value):
    """One symbol that would have fared otherwise: where it ended, where it would have, and why in one line."""

    symbol: str
    was: str
    would: str
    why: str


class Trial(Value):
    """One scan. `fates`: what a person, or time, made of its proposals; `unknown`: symbols that nobody can follow
    further, by the stage that never saw them; `not_stored`: those whose decision is of a time when its inputs were not
    kept; `elsewhere`: how many others would have fallen out at another stage, before risk in both.
    """

    cycle_id: str
    scan: int
    started_at: datetime
    was: tuple[Place, ...]
    would: tuple[Place, ...]
    fates: dict[str, str] = Field(default_factory=dict)
    differences: tuple[Difference, ...]
    unknown: dict[str, tuple[str, ...]]
    not_stored: tuple[str, ...]
    elsewhere: int


class Trials(Value):
    """The answer, newest scan first. `changes` against what holds; `not_replayed`: those no stored scan tells of."""

    hash: str
    changes: tuple[str, ...]
    warnings: tuple[str, ...]
    not_replayed: tuple[str, ...]
    notes: tuple[str, ...]
    scans: tuple[Trial, ...]


NOTES = (
    "only completed scans are looked at, and none of before the stages' facts were kept whole",
    "each scan alone: positions, losses and prices are those of its moment, nothing after it is replayed",
    "who comes to a stage that never saw it is not followed further, and takes nobody's place",
)


@dataclass(frozen=True)
class Attempt:
    """One scan with its way under the candidate, and what risk was asked of it."""

    past: Past
    way: Descent
    asked: DecideRequest


def not_replayed(changes: Sequence[str]) -> tuple[str, ...]:
    """Of the changes "key: old -> new" those that a stored scan says nothing about."""
    return tuple(change for change in changes if not change.startswith(REPLAYED))


def attempt(past: Past, way: Descent, candidate: Config, present: Config) -> Attempt:
    """Set aside whom risk never saw, and ask about the others.

    A cycle's own limits were the configuration's where they equal it now: then the candidate's take their place.
    """
    risk = candidate.trading.funnel.risk
    weights = candidate.trading.funnel.weights.model_dump()
    scored = funnel.scored(way.leads, weights, past.is_lossy)
    way = way.ask("risk", past)
    known = tuple(one for one in scored if one.symbol not in way.unknown)
    asked = outcome.decide_request(past.cycle, past.view.scan, past.view.started_at, known, risk)
    return Attempt(past, way, asked.model_copy(update=_own_limits(past.cycle, present)))


def _own_limits(cycle: CycleView, present: Config) -> dict[str, object]:
    same_count, same_loss = cycle.max_positions == present.max_positions, cycle.max_daily_loss == present.max_daily_loss
    dropped: dict[str, object] = {"max_positions": None} if same_count else {}
    return dropped | ({"max_daily_loss_usd": None} if same_loss else {})


def trial_of(tried: Attempt, verdicts: Sequence[Rejudged], most: int, top_n: int) -> Trial:
    """The scan as it went and as it would have gone."""
    past, judged = tried.past, {one.was.symbol: one.would for one in verdicts if one.would is not None}
    silent: dict[str, Stage] = {one.symbol: "risk" for one in tried.asked.candidates if one.symbol not in judged}
    unknown, asked = {**tried.way.unknown, **silent}, [one for one in tried.asked.candidates if one.symbol in judged]
    picks = places(past, outcome.chosen(asked, judged.values(), most), top_n)
    rows = [*tried.way.rows, *outcome.risk_rows(asked, judged.values()), *outcome.execution_rows(picks, top_n)]
    was, would = endings(list(past.rows.values()), {}), endings(rows, unknown)
    before, after = _as_it_was(past), {pick.scored.symbol: _place(pick, past, verdicts) for pick in picks}
    changed = set(moved(was, would))
    near = {one for one in changed if any(one in way and way[one].stage in DECIDED for way in (was, would))}
    near |= {one for one, place in after.items() if one in before and before[one].shares != place.shares}
    answers = {one.was.symbol: one for one in verdicts}
    ways = (Way(was, before), Way(would, after))
    return Trial(
        cycle_id=past.view.cycle_id,
        scan=past.view.scan,
        started_at=past.view.started_at,
        was=tuple(before.values()),
        would=tuple(after.values()),
        fates={one.symbol: one.status for one in past.proposals if one.scan == past.view.scan},
        differences=tuple(_difference(symbol, *ways, answers.get(symbol)) for symbol in sorted(near)),
        unknown={stage: tuple(sorted(one for one in unknown if unknown[one] == stage)) for stage in unknown.values()},
        not_stored=tuple(one.was.symbol for one in verdicts if one.why_not == "inputs_not_stored"),
        elsewhere=len(changed - near - set(unknown)),
    )


@dataclass(frozen=True)
class Way:
    """Where everybody ended, and the approved ones with their places."""

    ends: Mapping[str, Ending]
    places: Mapping[str, Place]

    def end(self, symbol: str) -> str:
        """In a word or two, as the table shows it."""
        if place := self.places.get(symbol):
            return f"{place.outcome}, {place.shares} shares"
        if (end := self.ends.get(symbol)) is None:
            return "no candidate"
        return f"out at {end.stage}" if end.known else "not known"


def places(past: Past, picks: Sequence[outcome.Pick], top_n: int) -> list[outcome.Pick]:
    """Who would have been sent or proposed, best first. What was refused then on the way out is refused again, and so
    is what would have been proposed while an earlier proposal of it waited.
    """
    before, left = {pick["symbol"]: pick for pick in past.view.picks}, top_n
    word, found = "order" if past.cycle.session_mode == "autonomous" else "proposal", []
    waited = fate.waiting(past.proposals, past.view.scan, past.view.ended_at or past.view.started_at)
    for pick in picks:
        then = before.get(pick.scored.symbol, {})
        if left > 0 and then.get("outcome") in ("refused", "unknown"):
            pick = replace(pick, outcome=then["outcome"], reason=then["reason"])
        elif left > 0 and then.get("outcome") not in outcome.TAKEN and pick.scored.symbol in waited:
            pick = replace(pick, outcome="refused", reason=fate.STILL_PENDING)
        elif left > 0:
            kind = then["outcome"] if then.get("outcome") in outcome.TAKEN else word
            score = f"approved by risk, composite score {pick.scored.composite_score:.3f}"
            pick, left = replace(pick, outcome=kind, reason=score), left - 1
        found.append(pick)
    return found


def _as_it_was(past: Past) -> dict[str, Place]:
    return {
        pick["symbol"]: Place(symbol=pick["symbol"], shares=pick["quantity"], outcome=pick["outcome"])
        for pick in past.view.picks
    }


def _place(pick: outcome.Pick, past: Past, verdicts: Sequence[Rejudged]) -> Place:
    """With the shares that were sent, where the first decision would have been the same: one decided anew at a fresh
    price, after a race, was sent with others.
    """
    symbol, shares = pick.scored.symbol, pick.order.quantity
    sent = _as_it_was(past).get(symbol)
    same = any(one.was.order and one.was.order.quantity == shares for one in verdicts if one.was.symbol == symbol)
    return Place(symbol=symbol, shares=sent.shares if sent and same else shares, outcome=pick.outcome)


def _difference(symbol: str, was: Way, would: Way, answer: Rejudged | None) -> Difference:
    end, (before, after) = would.ends.get(symbol), (way.places.get(symbol) for way in (was, would))
    said = []
    if before and after and before.shares != after.shares and answer and answer.would:
        said.append(f"{after.shares} shares instead of {before.shares}: {_bound(answer.was, answer.would)}")
    if not before or not after or before.outcome != after.outcome:
        said.append(end.why if end else "no candidate")
    return Difference(symbol=symbol, was=was.end(symbol), would=would.end(symbol), why="; ".join(said))


def _bound(was: Verdict, would: Verdict) -> str:
    """The limit that made the size: of those that changed, else of all, the one with the least room."""
    then = {check.name: check.limit for check in was.checks}
    money = [one for one in would.checks if one.name in MONEY and one.limit]
    changed = [one for one in money if one.limit != then.get(one.name)]
    nearest = min(changed or money, key=_room)
    return f"{nearest.name} {nearest.limit:,.0f}"


def _room(check: Check) -> float:
    return (check.margin or 0.0) / (check.limit or 1.0)
