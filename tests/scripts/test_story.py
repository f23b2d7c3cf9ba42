"""What `catalyst explain` prints: words and round numbers for a trader, nothing of the machine."""

import io
import re
from typing import Any

from rich.console import Console

from scripts.cli.story import number, plain, story
from services.workflow.rules.trace import Component, TraceRow

NEWS = TraceRow(
    symbol="ACME",
    stage="news",
    passed=True,
    reason="news score among the best 35",
    value=0.61,
    threshold=0.5,
    margin=0.11,
    rank=3,
    of=100,
    components=(
        Component(name="news", value=0.61, percentile=0.98, weight=1.0, contribution=0.61),
        Component(name="sentiment", value=0.2, percentile=0.9),
    ),
    otherwise="a value under 0.500, where BETA stood: news under 0.500 instead of 0.610",
)
SCANNER = TraceRow(
    symbol="ACME",
    stage="scanner",
    passed=False,
    reason="rank below the best 100",
    value=231,
    threshold=100,
    margin=-131,
    rank=231,
    of=3829,
    components=(Component(name="dollar_volume", value=12_345_678.9), Component(name="vwap_distance_pct", value=None)),
    otherwise="rank 100 or better instead of 231",
)
RISK = TraceRow(
    symbol="ACME",
    stage="risk",
    passed=False,
    reason="max_positions: 6 against 5",
    rank=1,
    of=10,
    components=(
        Component(name="max_positions", value=6, threshold=5, margin=-1, passed=False, note="held or on their way"),
        Component(name="halted", note="not halted"),
    ),
    otherwise="max_positions 6 against 5",
)
ORDER = TraceRow(
    symbol="ACME",
    stage="execution",
    passed=True,
    reason="proposal: waits for approval until 2026-06-16T15:05:30.123456+00:00",
    rank=1,
)


def printed(*rows: TraceRow, everything: bool = False) -> str:
    told: list[dict[str, Any]] = [row.model_dump(mode="json") for row in rows]
    out = io.StringIO()
    Console(file=out, width=200, highlight=False).print(story("ACME in scan 3", told, everything))
    return out.getvalue()


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("│")[1:-1]] for row in text.splitlines() if row.startswith("│")]


def test_stages_and_parts_in_round_numbers() -> None:
    rows = cells(printed(NEWS, RISK))
    assert rows[0] == ["news", "passed", "0.610", "0.500", "+0.110", "3 of 100", "news score among the best 35"]
    assert ["news", "news", "0.610", "98 %", "100 %", "0.610"] in rows
    assert ["max positions", "failed", "6", "5", "-1", "held or on their way"] in rows
    assert not any("sentiment" in row or "halted" in row for row in rows)
    everything = cells(printed(NEWS, RISK, everything=True))
    assert ["news", "sentiment", "0.200", "90 %", "-", "-"] in everything
    assert ["halted", "within", "-", "-", "-", "not halted"] in everything


def test_figures_that_are_held_against_each_other_have_the_same_decimals() -> None:
    close = NEWS.model_copy(update={"value": 0.609042, "threshold": 0.609282, "margin": -0.00024, "passed": False})
    assert cells(printed(close))[0][2:5] == ["0.6090", "0.6093", "-0.0002"]
    first = SCANNER.model_copy(update={"value": 1, "threshold": 100, "margin": 99, "rank": 1, "passed": True})
    assert cells(printed(first))[0][2:5] == ["1", "100", "+99"]
    money = Component(name="sector_exposure", value=10_026.73, threshold=10_000.0, margin=-26.73, passed=False)
    rows = cells(printed(RISK.model_copy(update={"components": (money,)})))
    assert ["sector exposure", "failed", "10,027", "10,000", "-27", ""] in rows


def test_a_part_that_was_missing_says_where_its_weight_went() -> None:
    lost = Component(name="news", value=None, weight=0.0, note="missing: its weight went to the others")
    shown = cells(printed(NEWS.model_copy(update={"components": (lost, *NEWS.components)})))
    assert ["news", "news", "missing", "-", "0 %", "to the others"] in shown


def test_the_sentence_and_the_notes_come_first() -> None:
    told = [NEWS.model_dump(mode="json")]
    out = io.StringIO()
    notes = ["degraded: pattern lost"]
    shown = story("ACME in scan 3", told, False, "scan 3: came through news at 2026-06-16T15:05:30Z", notes)
    Console(file=out, width=200, highlight=False).print(shown)
    lines = out.getvalue().splitlines()
    assert lines[:3] == [
        "scan 3: came through news at 11:05:30 market time",
        "degraded: pattern lost",
        "ACME in scan 3",
    ]


def test_who_fell_sees_all_that_was_known_of_it() -> None:
    text = printed(SCANNER)
    assert ["scanner", "fell out", "231", "100", "-131", "231 of 3,829", "rank below the best 100"] in cells(text)
    assert ["scanner", "dollar volume", "12,345,679", "-", "-", "-"] in cells(text)
    assert ["scanner", "vwap distance %", "missing", "-", "-", "-"] in cells(text)
    assert "scanner: rank 100 or better instead of 231" in text


def test_moments_are_shown_on_the_markets_clock_and_nothing_of_the_machine() -> None:
    text = printed(NEWS, RISK, ORDER)
    assert "waits for approval until 11:05:30 market time" in text
    assert plain(ORDER.reason).endswith("waits for approval until 11:05:30 market time")
    for machine in (r"\d{4}-\d\d-\d\dT", r"\+00:00", r"\.\d{4,}", r"/api", "None", "null", "True", "False"):
        assert not re.search(machine, text), machine


def test_numbers_have_the_digits_that_a_person_reads() -> None:
    shown = [number(value) for value in (None, 0.123456, 0.0, 1.0, -2.0, 41.0, 999.5, 1234.5, 1e9)]
    assert shown == [None, "0.123", "0.000", "1.000", "-2", "41", "999.500", "1,234", "1,000,000,000"]
