"""Another tape than the recorded one: a symbol halted, or trading lower from a bar on. The recorded one stays."""

from dataclasses import replace

import numpy as np

from services.exchange.rules.fault_kinds import Gap, Halt
from services.exchange.rules.orders import Refusal
from services.exchange.rules.tape import Floats, Tape
from services.exchange.rules.validation import against_rule

Span = tuple[float, float]


def span_of(tape: Tape, halt: Halt, at: float) -> Span:
    """When a halt asked for at `at` begins and ends."""
    start = at if halt.since is None else max(at, halt.since.timestamp())
    return start, tape.session.close if halt.until is None else halt.until.timestamp()


def halted(tape: Tape, symbol: str, span: Span) -> Tape:
    """With one more halt."""
    return replace(tape, halts={**tape.halts, symbol: (*tape.halts.get(symbol, ()), span)})


def resumed(tape: Tape, symbol: str, span: Span, at: float) -> Tape:
    """The halt ends now; one that has not begun never does."""
    spans = [s for s in tape.halts.get(symbol, ()) if s != span]
    kept = [(span[0], min(span[1], at))] if span[0] < at else []
    return replace(tape, halts={**tape.halts, symbol: (*spans, *kept)})


def gapped(tape: Tape, gap: Gap, at: float) -> Tape | Refusal:
    """Every bar of the symbol that begins after `at` (or the fault's `from`) trades lower by the percentage."""
    since = at if gap.since is None else max(at, gap.since.timestamp())
    low, high = tape.bars.rows(tape.index[gap.symbol])
    first = low + int(np.searchsorted(tape.bars.time[low:high], since, side="right"))
    if first == high:
        return against_rule(f"{gap.symbol} has no bar left to open lower")

    def scaled(column: Floats) -> Floats:
        after = column.copy()
        after[first:high] = np.maximum(0.01, np.round(after[first:high] * (1 - gap.percent / 100), 2))
        return after

    b = tape.bars
    bars = replace(b, open=scaled(b.open), high=scaled(b.high), low=scaled(b.low), close=scaled(b.close))
    return replace(tape, bars=bars)
