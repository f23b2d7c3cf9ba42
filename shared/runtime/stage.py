"""The one protocol of a stage of the funnel: what is stored is the answer; what is missing is computed and stored.

Asked twice, at the same time or after a restart, a scan's question has one answer: the first that was stored.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import asyncpg

from shared.domain.evidence import AssessRequest
from shared.errors import BadInput, NotFound
from shared.ports import Clock

CLOCKS_DIFFER = timedelta(seconds=60)
E = TypeVar("E")
E_contra = TypeVar("E_contra", contravariant=True)


class Stored(Protocol[E]):
    """A store's rows of one scan by symbol; nothing outside a scan."""

    async def __call__(
        self, pool: asyncpg.Pool, cycle_id: str | None, scan: int | None, symbols: Sequence[str], /
    ) -> dict[str, E]: ...


class Save(Protocol[E_contra]):
    """A store's writing of rows; what a scan already has stays as it is."""

    async def __call__(
        self,
        pool: asyncpg.Pool,
        evidence: Sequence[E_contra],
        as_of: datetime,
        cycle_id: str | None,
        scan: int | None,
        /,
    ) -> Any: ...


@dataclass(frozen=True)
class Stage(Generic[E]):
    """What differs between the stages. `compute` returns evidence for every symbol it is given. `is_known`: whether
    evidence outside a scan leaves a row; one about which the source knows nothing does not, it may be a typing error.
    """

    stored: Stored[E]
    compute: Callable[[Sequence[str], datetime], Awaitable[Mapping[str, E]]]
    is_known: Callable[[E], bool]
    save: Save[E]


@dataclass(frozen=True)
class Answered(Generic[E]):
    """The evidence in the order asked, how much of it was computed now, and the milliseconds that it took."""

    evidence: tuple[E, ...]
    fresh: int
    ms: float


async def answer_once(pool: asyncpg.Pool, clock: Clock, request: AssessRequest, stage: Stage[E]) -> Answered[E]:
    """One piece of evidence for each symbol asked; the same again for a scan that was answered before.

    Raises BadInput for a moment to come, NotFound for a scan that workflow has not opened, and what `compute` raises.
    """
    await _expect_askable(pool, clock, request)
    started, wanted = time.perf_counter(), sorted(set(request.symbols))
    known = dict(await stage.stored(pool, request.cycle_id, request.scan, wanted))
    missing = [symbol for symbol in wanted if symbol not in known]
    if missing:
        found = await stage.compute(missing, request.as_of)
        known |= found
        rows = [found[one] for one in missing if request.cycle_id is not None or stage.is_known(found[one])]
        await stage.save(pool, rows, request.as_of, request.cycle_id, request.scan)
        # Another caller may have stored first: what is stored is the answer.
        known |= await stage.stored(pool, request.cycle_id, request.scan, missing)
    took = round((time.perf_counter() - started) * 1000, 1)
    return Answered(tuple(known[symbol] for symbol in request.symbols), len(missing), took)


async def _expect_askable(pool: asyncpg.Pool, clock: Clock, request: AssessRequest) -> None:
    if request.as_of > await clock.now() + CLOCKS_DIFFER:
        raise BadInput("as_of lies in the future", field="as_of")
    opened = "SELECT EXISTS (SELECT FROM scans WHERE cycle_id = $1 AND scan = $2)"
    if request.scan is not None and not await pool.fetchval(opened, request.cycle_id, request.scan):
        raise NotFound(f"no scan {request.scan} in cycle {request.cycle_id}", field="scan")
