"""A loop that fails: remembered for health, told to a person once a streak, and told to be over."""

from datetime import datetime

import structlog

from services.risk_manager import store
from services.risk_manager.flow.watch import SERVICE, Watch, tell
from services.risk_manager.rules import health as rule
from services.risk_manager.rules.stop import Notice
from shared.deps import Deps
from shared.errors import CatalystError, Unavailable
from shared.journal import end_alert

log = structlog.get_logger()


async def note_failure(deps: Deps, watch: Watch, loop: str, error: Exception) -> None:
    """Count it; from the third in a row on a person is told. Trading's silence is told by the monitor itself."""
    text = error.detail if isinstance(error, CatalystError) else f"{type(error).__name__}: {error}"
    before = watch.failing.get(loop)
    one = watch.failing[loop] = rule.Failing(failures=before.failures + 1 if before else 1, error=text[:200])
    said_already = loop == "monitor" and isinstance(error, Unavailable)
    if one.failures >= rule.TOLD_AFTER_FAILURES and not said_already:
        await tell_once(deps, watch, rule.loop_failing(loop, one))


async def note_success(deps: Deps, watch: Watch, loop: str) -> None:
    """The streak is over, and so is the condition of its alert."""
    if watch.failing.pop(loop, None) is not None:
        await tell_over(deps, watch, rule.kind_of(loop))


async def tell_once(deps: Deps, watch: Watch, notice: Notice) -> None:
    """Tell a person, once a streak, and not again within ten minutes of the last time."""
    if notice.kind in watch.told:
        return
    now = await deps.clock.now()
    if not await store.happened_since(deps.pool, notice.kind, now - rule.QUIET):
        async with deps.pool.acquire() as connection, connection.transaction():
            await tell(connection, notice, now)
        watch.told.add(notice.kind)


async def tell_over(deps: Deps, watch: Watch, kind: str, at: datetime | None = None) -> None:
    """What a person was told of is over: it calls nobody any more."""
    if kind in watch.told:
        async with deps.pool.acquire() as connection:
            await end_alert(connection, SERVICE, kind, at or await deps.clock.now())
        watch.told.discard(kind)
