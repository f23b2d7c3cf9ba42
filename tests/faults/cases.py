"""Which runs a sweep makes: a kill at every step, each fault of the exchange at each step, and both in random pairs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

from tests.faults import day
from tests.faults.named import NAMED
from tests.faults.stage import Plan
from tests.faults.victim import Kill

NAMED_FAULT = "by name"
DEAD_SECONDS = (0.0, 0.0, 3.0, 20.0, 45.0)
MATCHES = ("submit", "order", "cancel", "positions", "activities", "calendar", "stream")
LONGEST = {"submit": 8, "order": 30, "cancel": 4, "positions": 12, "activities": 10, "calendar": 1, "stream": 1}
ON_THE_WIRE: tuple[dict[str, Any], ...] = (
    {"kind": "latency", "ms": 150, "times": 20},
    {"kind": "hang", "seconds": 5, "times": 1},
    {"kind": "hang", "seconds": 5, "times": 1, "executed": True},
    {"kind": "429", "times": 3},
    {"kind": "500", "times": 2},
    {"kind": "502", "times": 2},
    {"kind": "503", "times": 1},
    {"kind": "504_after_accept", "times": 1},
    {"kind": "504_before_accept", "times": 2},
    {"kind": "reset_before_accept", "times": 1},
    {"kind": "reset_after_accept", "times": 1},
    {"kind": "html_body", "status": 200, "times": 1},
    {"kind": "429", "times": 12},
    {"kind": "garbage", "times": 1},
)
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
AT_THE_VENUE: tuple[dict[str, Any], ...] = (
    {"kind": "positions_lag", "seconds": 10, "times": 4},
    {"kind": "orders_lag", "seconds": 10, "times": 4},
    {"kind": "lookup_lag", "seconds": 5, "times": 3},
    {"kind": "activities_lag", "seconds": 10, "times": 4},
    {"kind": "kick", "times": 6},
    {"kind": "mute"},
    {"kind": "drop", "times": 2},
    {"kind": "duplicate"},
    {"kind": "reorder", "times": 3},
    {"kind": "delay", "seconds": 5},
    {"kind": "stuck_cancel", "seconds": 20, "times": 2},
    {"kind": "late_release", "seconds": 5},
    {"kind": "partial_fill", "fraction": 0.3, "complete": False, "times": 2},
    {"kind": "partial_fill", "fraction": 0.3, "complete": True, "times": 3},
    {"kind": "async_reject", "stage": "pending_new", "times": 1},
    {"kind": "async_reject", "stage": "new", "times": 1},
    {"kind": "halt", "from": day.moment(day.BEGIN + 60), "until": day.moment(day.BEGIN + 95)},
    {"kind": "gap", "percent": 4},
    {"kind": "vanished_leg", "role": "stop_loss", "times": 1},
    {"kind": "vanished_leg", "role": "take_profit", "times": 1},
)


@dataclass(frozen=True)
class Case:
    """One run, and the row of the table in which it is counted."""

    number: int
    fault: str
    step: str
    plan: Plan

    def __str__(self) -> str:
        return f"{self.number}: {self.fault} at {self.step}"


Steps = Mapping[tuple[day.Act, ...], Counter[str]]
"""By the acts of a run: each step of it, and how often it is passed."""


def all_cases(steps: Steps, runs: int, seed: int) -> list[Case]:
    """Three parts kills, three parts faults, two parts pairs; every step and every fault before any comes twice."""
    rng = Random(seed)
    kills, faults = runs * 3 // 8, runs * 3 // 8
    plans = [*_some(_kills(steps, rng), kills), *_some(_faults(rng), faults)]
    plans += _some(_pairs(steps, rng), runs - kills - faults)
    return [Case(number, fault, step, _charged(plan, number)) for number, (fault, step, plan) in enumerate(plans)]


def _charged(plan: Plan, number: int) -> Plan:
    """Fees come after the run, at each fill, or in its evening and some of them back: in turn, without a throw."""
    if number % 3 == 1:
        return replace(plan, settings=plan.settings.model_copy(update={"fee_charging": "at_fill"}))
    return replace(plan, into_evening=number % 3 == 2)


def named_cases() -> list[Case]:
    """The runs that have a name."""
    return [Case(number, NAMED_FAULT, name, plan) for number, (name, plan) in enumerate(NAMED.items())]


def _some(endless: Iterator[tuple[str, str, Plan]], count: int) -> list[tuple[str, str, Plan]]:
    return [next(endless) for _ in range(count)]


def _acts(rng: Random) -> tuple[day.Act, ...]:
    return rng.choices((day.NORMAL, day.HALTED, day.HAND), (5, 3, 2))[0]


def _setting(rng: Random) -> str:
    """What is done with shares bought by hand; only some of the runs have any."""
    return rng.choice(("protect", "leave", "close"))


def _killed(steps: Steps, step: str, rng: Random, faults: tuple[dict[str, Any], ...] = ()) -> Plan:
    """A run in which the step is passed, the process killed there, and down for a while."""
    days = (day.NORMAL, day.NORMAL, day.HALTED, day.HAND)
    acts = rng.choice([acts for acts in days if step in steps[acts]])
    kill, dead = Kill(step, 1 if rng.random() < 0.4 else rng.randint(1, steps[acts][step])), rng.choice(DEAD_SECONDS)
    return Plan(kills=(kill,), faults=faults, dead_seconds=dead, acts=acts, foreign=_setting(rng))


def _shuffled(steps: Steps, rng: Random) -> list[str]:
    order = sorted({step for counts in steps.values() for step in counts})
    rng.shuffle(order)
    return order


def _kills(steps: Steps, rng: Random) -> Iterator[tuple[str, str, Plan]]:
    while True:
        for step in _shuffled(steps, rng):
            yield "killed", step, _killed(steps, step, rng)


def _struck(kind: dict[str, Any], place: str, rng: Random) -> dict[str, Any]:
    """The fault at a step of the wire, or on a name's orders in the book."""
    if place in MATCHES:
        return {**kind, "match": place, "after": rng.randrange(LONGEST[place])}
    plain = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in kind.items()}
    return plain if place == "account" else {**plain, "symbol": place}


def _places() -> list[tuple[dict[str, Any], str]]:
    shown = (
        "positions_lag",
        "orders_lag",
        "lookup_lag",
        "activities_lag",
        "kick",
        "mute",
        "drop",
        "duplicate",
        "reorder",
        "delay",
    )
    places = [(kind, match) for kind in ON_THE_WIRE for match in MATCHES]
    return places + [
        (kind, place) for kind in AT_THE_VENUE for place in (("account",) if kind["kind"] in shown else SYMBOLS)
    ]


def _label(fault: dict[str, Any]) -> str:
    return f"{fault['kind']}{' executed' if fault.get('executed') else ''}"


def _faults(rng: Random) -> Iterator[tuple[str, str, Plan]]:
    while True:
        every = _places()
        rng.shuffle(every)
        for kind, place in every:
            yield (
                _label(kind),
                place,
                Plan((), 0.0, (_struck(kind, place, rng),), acts=_acts(rng), foreign=_setting(rng)),
            )


def _pairs(steps: Steps, rng: Random) -> Iterator[tuple[str, str, Plan]]:
    order = _shuffled(steps, rng)
    while True:
        one, other = (_struck(*rng.choice(_places()), rng) for _ in range(2))
        if rng.random() < 0.5:
            yield "killed and a fault", _label(one), _killed(steps, rng.choice(order), rng, (one,))
        else:
            both = " + ".join(sorted((_label(one), _label(other))))
            yield "two faults", both, Plan(faults=(one, other), acts=_acts(rng), foreign=_setting(rng))
