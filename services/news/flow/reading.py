"""The ladder: a language model, then the operator's classifier, then our own reading. Each step down is counted.

Only the newest items go up the ladder, within one deadline: a scan never waits longer for it than the settings say.
"""

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Sequence

import structlog
from prometheus_client import Counter as Metric
from pydantic import ValidationError

from services.news.flow.breaker import Breaker
from services.news.rules.answers import ReaderHealth
from services.news.rules.hostile import gives_orders, read_warily
from services.news.rules.model import trained
from services.news.rules.plain import clean
from services.news.rules.prompt import VERSION, accepted
from services.news.rules.read import read_all
from shared.deps import Deps
from shared.domain.news import Question, Reading
from shared.errors import NotNow, Unavailable
from shared.ports import Reader

AT_ONCE, MOST_KEPT, KEPT_SECONDS = 8, 20_000, 7 * 86_400.0
READINGS = Metric("catalyst_news_readings_total", "Texts read, by the rung that read them", ["method"])
STEPS_DOWN = Metric("catalyst_news_steps_down_total", "Texts that a rung did not read", ["reader", "why"])
log = structlog.get_logger()


def own(question: Question) -> Reading:
    """Our own reading: rules, the trained model, the lexicon."""
    return read_warily(question.text, question.symbol, question.company, question.tagged)


class Rung:
    """One reader, its breaker, and what it has read."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.breaker = Breaker(f"reader {reader.name}")
        self.read = 0
        self.down: Counter[str] = Counter()

    def step_down(self, why: str, detail: str = "", count: int = 1) -> None:
        self.down[why] += count
        STEPS_DOWN.labels(self.reader.name, why).inc(count)
        log.info("reader_stepped_down", reader=self.reader.name, why=why, texts=count, detail=detail[:200])

    def health(self) -> ReaderHealth:
        status, detail = self.breaker.status(self.reader.off)
        return ReaderHealth.model_validate(
            {
                "name": self.reader.name,
                "status": status,
                "detail": detail,
                "read": self.read,
                "stepped_down": sum(self.down.values()),
                "retry_in_s": round(self.breaker.rest_s, 1),
            }
        )


class Ladder:
    """The rungs above our own reading, best first, and what they have said."""

    def __init__(self, deps: Deps) -> None:
        self.rungs = tuple(Rung(reader) for reader in deps.readers)
        self._cache, self._seconds = deps.cache, deps.settings.news_reading_seconds
        self._kept: OrderedDict[str, Reading] = OrderedDict()
        self.own = "model" if trained() is not None else "lexicon"
        if self.own != "model":
            STEPS_DOWN.labels("own model", "missing").inc()
            log.warning("own_model_missing", reads_by="rules and lexicon")

    async def read_better(self, questions: Sequence[Question]) -> dict[Question, Reading]:
        """What the rungs say, most important questions first. Missing from it: what our own reading shall answer."""
        found: dict[Question, Reading] = {}
        give_up = asyncio.get_running_loop().time() + self._seconds
        pending = [question for question in dict.fromkeys(questions) if _is_fit(question)]
        for rung in self.rungs:
            if rung.reader.off or not pending:
                continue
            found |= await self._climb(rung, pending[: rung.reader.most], give_up)
            pending = [question for question in pending if question not in found]
        READINGS.labels("own").inc(len(questions) - len(found))
        return found

    async def _climb(self, rung: Rung, questions: Sequence[Question], give_up: float) -> dict[Question, Reading]:
        """All questions to one rung, a few at a time, until the deadline."""
        found: dict[Question, Reading] = {}
        fresh = []
        for question in questions:
            kept = await self._recall(rung, question)
            if kept is None:
                fresh.append(question)
            else:
                found[question] = kept
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(question: Question) -> None:
            async with gate:
                reading = await self._ask(rung, question)
            if reading is not None:
                found[question] = reading

        left = give_up - asyncio.get_running_loop().time()
        tasks = [asyncio.create_task(ask(question)) for question in fresh]
        late = await _until(max(0.0, left), tasks)
        if late:
            rung.step_down("deadline", f"after {self._seconds:.0f} s", late)
        for task in tasks:
            if not task.cancelled() and (bug := task.exception()):
                log.error("reader_broke", reader=rung.reader.name, exc_info=bug)
                rung.step_down("broke", repr(bug))
        READINGS.labels(rung.reader.name.partition(":")[0]).inc(len(found))
        return found

    async def _ask(self, rung: Rung, question: Question) -> Reading | None:
        """One text. None, counted, where the rung cannot or may not say."""
        try:
            rung.breaker.check()
            reading = await rung.reader.read(question)
        except NotNow as error:
            rung.breaker.waits(error.detail)
            rung.step_down("budget", error.detail)
            return None
        except Unavailable as error:
            why = "resting" if rung.breaker.rest_s else "failed"
            if why == "failed":
                rung.breaker.failed(error.detail)
            rung.step_down(why, error.detail)
            return None
        rung.breaker.succeeded(None)
        reading = _completed(reading, own(question))
        if not accepted(own(question), reading):
            rung.step_down("contradicts", f"{own(question).reason} / {reading.reason}")
            return None
        rung.read += 1
        await self._keep(rung, question, reading)
        return reading

    async def _recall(self, rung: Rung, question: Question) -> Reading | None:
        key = _key(rung, question)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        raw = await self._cache.get(key)
        try:
            reading = Reading.model_validate_json(raw) if raw else None
        except ValidationError:
            return None
        if reading is not None:
            self._kept[key] = reading
        return reading

    async def _keep(self, rung: Rung, question: Question, reading: Reading) -> None:
        key = _key(rung, question)
        self._kept[key] = reading
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        await self._cache.set(key, reading.model_dump_json().encode(), KEPT_SECONDS)


async def _until(seconds: float, tasks: Sequence[asyncio.Task[None]]) -> int:
    """Wait for the tasks so long and no longer; how many were late. None is left running, whatever happens here."""
    try:
        late = (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else set()
        return len(late)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_fit(question: Question) -> bool:
    """True for a text with something to read in it that does not speak to the reader."""
    return bool(clean(question.text)) and not gives_orders(question.text)


def _completed(reading: Reading, ours: Reading) -> Reading:
    """A classifier that knows no catalysts takes ours."""
    return reading.model_copy(update={"catalyst": reading.catalyst or ours.catalyst})


def _key(rung: Rung, question: Question) -> str:
    said = f"{VERSION}\x00{rung.reader.name}\x00{question.symbol}\x00{question.company}\x00{question.text}"
    return f"reading:{hashlib.sha256(said.encode(errors='replace')).hexdigest()}"


def told(questions: Sequence[Question], better: dict[Question, Reading]) -> list[Reading]:
    """Each question's best reading."""
    read_all((one.text, one.symbol, one.company, one.tagged) for one in questions if one not in better)
    return [better.get(question) or own(question) for question in questions]
