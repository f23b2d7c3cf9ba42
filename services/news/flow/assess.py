"""Ask the sources, read what they say, store, answer. What was heard stays in memory for some days, never longer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from services.news import store
from services.news.flow.heard import Heard, learn_names, save
from services.news.flow.reading import Ladder, told
from services.news.flow.source import Source
from services.news.rules.aggregate import evidence_from, label, leads, text_of
from services.news.rules.answers import Classified, ClassifyAnswer, ClassifyRequest
from services.news.rules.story import Key, key_of
from services.news.rules.window import look_back
from shared.deps import Deps
from shared.domain.evidence import SYMBOL, AssessRequest, NewsAssessment
from shared.domain.news import Headline, NewsEvidence, Question, Reading
from shared.errors import BadInput, CatalystError, NotFound, Unavailable
from shared.runtime.calendar import Calendar
from shared.runtime.stage import Stage, answer_once

KEPT, MOST_ITEMS, MOST_CHARACTERS = timedelta(hours=48), 30_000, 20_000
log = structlog.get_logger()


@dataclass
class Desk:
    """What the service holds between requests: its sources, what they said, the ladder, the calendar."""

    sources: tuple[Source, ...]
    ladder: Ladder
    heard: Heard = field(default_factory=Heard)
    calendar: Calendar = field(default_factory=Calendar)
    last_assess: dict[str, object] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def open_desk(deps: Deps) -> Desk:
    return Desk(tuple(Source(feed) for feed in deps.news), Ladder(deps))


def check_symbols(symbols: Sequence[str]) -> None:
    """Raises BadInput for a text that cannot be a ticker."""
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol):
            raise BadInput(f"not a symbol: {symbol[:20]!r}", field="symbols")


async def assess_all(deps: Deps, desk: Desk, request: AssessRequest) -> NewsAssessment:
    """One entry for each symbol asked, in the order asked; the same again for a scan that was answered before.

    Raises BadInput, NotFound for an unknown scan, Unavailable when no wire answers.
    """
    compute = partial(evidence_of, deps, desk)
    stage = Stage(store.stored, compute, lambda one: one.items > 0, store.save_evidence)
    done = await answer_once(deps.pool, deps.clock, request, stage)
    desk.last_assess = {"as_of": request.as_of.isoformat(), "symbols": len(request.symbols), "ms": done.ms}
    log.info("assessed", cycle_id=request.cycle_id, scan=request.scan, fresh=done.fresh, **desk.last_assess)
    return NewsAssessment(as_of=request.as_of, evidence=done.evidence)


async def evidence_of(deps: Deps, desk: Desk, symbols: Sequence[str], as_of: datetime) -> dict[str, NewsEvidence]:
    """Top up what was heard about the symbols, then read it."""
    async with desk.lock:
        await learn_names(deps, desk.heard, as_of)
        await _learn_sessions(deps, desk, as_of)
        await _top_up(desk, symbols, as_of)
        await save(deps, desk.heard)
    about = {symbol: desk.heard.about(symbol, as_of) for symbol in symbols}
    better = await _climb(desk, about, as_of)
    return evidence_from(about, desk.heard.names, as_of, desk.calendar.sessions, better)


async def _learn_sessions(deps: Deps, desk: Desk, as_of: datetime) -> None:
    """The calendar around `as_of`, once a day. Without it 24 hours are looked back, at a weekend too."""
    try:
        await desk.calendar.look_up(deps.market, as_of)
    except CatalystError as error:
        log.warning("calendar_missing", detail=error.detail)


async def _top_up(desk: Desk, symbols: Sequence[str], as_of: datetime) -> None:
    """Ask the wires, then the others, about what is not covered yet. Raises Unavailable when no wire answers.

    An other source that names few symbols at a time is asked first about those that the wires say nothing of: a move
    that nobody has explained is worth its budget most.
    """
    start = look_back(desk.calendar.sessions, as_of)
    heard, in_use = desk.heard, [source for source in desk.sources if source.terms.off is None]
    wires = [source for source in in_use if source.terms.is_wire]
    asked = (source.top_up(symbols, start, as_of, heard.hear) for source in wires)
    troubles = await asyncio.gather(*asked, return_exceptions=True)
    broken = [trouble for trouble in troubles if isinstance(trouble, BaseException)]
    for trouble in broken:
        if not isinstance(trouble, Unavailable) or len(broken) == len(wires):
            raise trouble
    if not wires:
        raise Unavailable("no news wire is in use")
    quiet_first = sorted(symbols, key=lambda symbol: (len(heard.by_symbol.get(symbol, ())), symbol))
    others = (source for source in in_use if not source.terms.is_wire)
    await asyncio.gather(*(source.top_up(quiet_first, start, as_of, heard.hear) for source in others))
    before = min(start, as_of - KEPT) if len(heard.versions) <= MOST_ITEMS else start
    heard.forget(before)
    for source in in_use:
        source.forget(before)


async def _climb(desk: Desk, about: Mapping[str, Sequence[Headline]], as_of: datetime) -> dict[str, dict[Key, Reading]]:
    """What the rungs of the ladder say of each symbol's stories, newest first; empty where there are none."""
    if not desk.ladder.rungs:
        return {}
    asked: list[tuple[Headline, str, Question]] = []
    for symbol, items in about.items():
        company = desk.heard.names.get(symbol)
        for item in leads(items, symbol, as_of, look_back(desk.calendar.sessions, as_of)):
            question = Question(text=text_of(item), symbol=symbol, company=company, tagged=len(item.symbols))
            asked.append((item, symbol, question))
    asked.sort(key=lambda one: (one[0].published_at, one[0].source, one[0].id, one[1]), reverse=True)
    said = await desk.ladder.read_better([question for _, _, question in asked])
    found: dict[str, dict[Key, Reading]] = {}
    for item, symbol, question in asked:
        if question in said:
            found.setdefault(symbol, {})[key_of(item)] = said[question]
    return found


async def sentiment_now(deps: Deps, desk: Desk, symbol: str) -> NewsAssessment:
    """One symbol now, not stored. Raises NotFound when the market knows no such symbol."""
    check_symbols([symbol])
    now = await deps.clock.now()
    found = await evidence_of(deps, desk, [symbol], now)
    if not found[symbol].items and desk.heard.names and symbol not in desk.heard.names:
        raise NotFound(f"no such symbol: {symbol}", field="symbol")
    return NewsAssessment(as_of=now, evidence=(found[symbol],))


async def classify(desk: Desk, request: ClassifyRequest) -> ClassifyAnswer:
    """Read texts with the code that the funnel uses, the ladder included."""
    questions = [
        Question(text=item.text[:MOST_CHARACTERS], symbol=item.symbol and item.symbol.upper(), company=item.company)
        for item in request.items
    ]
    readings = told(questions, await desk.ladder.read_better(questions))
    return ClassifyAnswer(items=tuple(Classified(**one.model_dump(), label=label(one)) for one in readings))
