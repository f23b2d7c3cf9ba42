"""Writes the day's headlines: each event's own, its echoes in other words, and the murmur of a quiet market."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from scripts.tapes import headlines as words
from scripts.tapes.events import BEFORE_OPEN, Event
from scripts.tapes.universe import Universe


class Item(NamedTuple):
    """A headline; `at` in epoch seconds UTC."""

    at: float
    headline: str
    source: str
    symbols: tuple[str, ...]


def short_name(name: str) -> str:
    """The company as a wire writes it."""
    for tail in (" Common Stock", " Ordinary Shares", " Inc.", " Corp.", " Corporation", " Holdings Ltd."):
        name = name.removesuffix(tail)
    return name


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _money(rng: np.random.Generator, cap: float) -> str:
    value = max(4e6, cap * float(rng.uniform(0.05, 0.3)))
    return f"{value / 1e9:.1f} Billion" if value >= 1e9 else f"{value / 1e6:.0f} Million"


def _details(rng: np.random.Generator, universe: Universe, row: int, other: int) -> dict[str, Any]:
    eps = float(rng.uniform(0.08, 2.4))
    return {
        "c": short_name(universe.names[row]),
        "s": universe.symbols[row],
        "o": short_name(universe.names[other]),
        "drug": _pick(rng, words.DRUGS),
        "illness": _pick(rng, words.ILLNESSES),
        "device": _pick(rng, words.DEVICES),
        "bank": _pick(rng, words.BANKS),
        "person": _pick(rng, words.PEOPLE),
        "city": _pick(rng, words.CITIES),
        "month": _pick(rng, words.MONTHS),
        "industry": universe.industries[row],
        "amount": _money(rng, float(universe.market_cap[row])),
        "price": f"{universe.price[row] * rng.uniform(1.05, 1.4):.2f}",
        "pct": int(rng.integers(6, 45)),
        "eps": f"{eps:.2f}",
        "low": f"{eps * rng.uniform(0.55, 0.9):.2f}",
        "shares": f"{int(rng.integers(10, 400)) * 1000:,}",
    }


def event_items(rng: np.random.Generator, universe: Universe, events: Iterable[Event], opens: float) -> list[Item]:
    """The first word of each event comes before the price moves; echoes follow within the hour."""
    items = []
    for event in events:
        other = int(rng.integers(5, universe.common))
        details = _details(rng, universe, event.row, other)
        symbol = universe.symbols[event.row]
        if event.minute == BEFORE_OPEN:
            at = opens - float(rng.integers(8 * 60, 150 * 60))
        else:
            at = opens + event.minute * 60 - float(rng.integers(0, 40))
        first = _pick(rng, words.FIRST[event.kind, event.sign])
        named = (symbol, universe.symbols[other]) if "{o}" in first else (symbol,)
        items.append(Item(at, first.format(**details), words.WIRES[0], named))
        for echo in range(int(rng.integers(0, 3))):
            again = _pick(rng, words.AGAIN[event.kind, event.sign])
            later = at + float(rng.integers(120, 2400)) + 600 * echo
            source = words.WIRES[1 + int(rng.integers(len(words.WIRES) - 1))]
            items.append(Item(later, again.format(**details), source, (symbol,)))
    return items


def background_items(rng: np.random.Generator, universe: Universe, count: int, opens: float) -> list[Item]:
    """Neutral headlines from the evening before to the evening of the day, most of them in the morning."""
    items = []
    for _ in range(count):
        row, other = (int(x) for x in rng.integers(0, universe.common, 2))
        text = _pick(rng, words.NEUTRAL)
        hours = float(rng.normal(-0.5, 3.5))
        at = opens + 3600 * min(10.0, max(-14.0, hours))
        symbols = (universe.symbols[row], universe.symbols[other]) if "{o}" in text else (universe.symbols[row],)
        details = _details(rng, universe, row, other)
        items.append(Item(float(int(at)), text.format(**details), _pick(rng, words.WIRES), symbols))
    return items


def notice(universe: Universe, row: int, at: float, text: str) -> Item:
    """An exchange's notice about one security."""
    return Item(at, text.format(c=short_name(universe.names[row])), words.WIRES[1], (universe.symbols[row],))


def news_table(items: list[Item]) -> pl.DataFrame:
    """In order of publication, numbered from 1."""
    ordered = sorted(items)
    return pl.DataFrame(
        {
            "id": list(range(1, len(ordered) + 1)),
            "published_at": [int(item.at) * 1_000_000 for item in ordered],
            "headline": [item.headline for item in ordered],
            "source": [item.source for item in ordered],
            "symbols": [list(item.symbols) for item in ordered],
            "url": [f"https://wire.example/{number}" for number in range(1, len(ordered) + 1)],
        },
        schema_overrides={"published_at": pl.Int64, "symbols": pl.List(pl.String)},
    )
