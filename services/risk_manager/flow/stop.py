"""The emergency stop: latched, closed until the broker lists nothing, released by a person."""

import asyncio
from datetime import timedelta
from time import perf_counter

import structlog

from services.risk_manager import store
from services.risk_manager.flow.watch import HALTED, SERVICE, Watch, tell
from services.risk_manager.rules import stop as rule
from shared import account_lock
from shared.deps import Deps
from shared.domain.position import CloseRequest, PositionView, Reconciliation
from shared.errors import CatalystError, Forbidden, NotNow
from shared.journal import append_event, end_alert

FIRST_PAUSE_SECONDS, PAUSE_GROWS, LONGEST_PAUSE_SECONDS, LOOK_SECONDS = 0.25, 3, 15.0, 0.05
PAGED_AFTER = timedelta(seconds=20)
log = structlog.get_logger()


async def emergency_stop(deps: Deps, watch: Watch, reason: str, *, closes: bool = True, drill: bool = False) -> bool:
    """Latch the halt and wake the closing; False when a halt stood already. Entries are refused from here on."""
    now, actions = await deps.clock.now(), deps.config.current().risk.emergency_actions
    until = now + timedelta(minutes=0 if drill else actions.cooldown_period_minutes)
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.take_turn(connection)
        fresh = await store.latch(connection, reason, closes, now, until)
        if fresh:
            await tell(connection, rule.stopped(reason, closes, actions.send_email_alert), now)
    HALTED.set(1)
    watch.asked.clear()
    watch.close.set()
    return fresh


async def halt_on_flatten(deps: Deps, watch: Watch) -> None:
    """Somebody has closed everything past us: that is a halt, to be released like any other."""
    if (entry := await store.flatten_to_halt_on(deps.pool)) is None:
        return
    await emergency_stop(deps, watch, "flattened by hand")
    async with deps.pool.acquire() as connection:
        await append_event(connection, SERVICE, "flatten.halted", await deps.clock.now(), {"flatten": entry})


async def _close_and_look(deps: Deps, watch: Watch) -> tuple[rule.Left, ...]:
    """Ask trading to close everything, then look. Returns what is still there; empty means flat at the broker."""
    why = CloseRequest(reason="emergency_stop")
    try:
        await deps.client.post("trading", "/api/v1/positions/close-all", why, object, repeatable=True)
    finally:
        watch.asked.set()
    return await _look(deps)


async def _look(deps: Deps) -> tuple[rule.Left, ...]:
    """What keeps the account from being flat, as trading compares it now."""
    seen = await deps.client.post("trading", "/api/v1/reconcile", None, Reconciliation, repeatable=True)
    positions = await deps.client.get("trading", "/api/v1/positions?status=open", tuple[PositionView, ...])
    return rule.still_there(positions, seen)


async def close_until_flat(deps: Deps, watch: Watch) -> None:
    """Close everything until the broker lists nothing, however often that must be asked.

    Quick at first and whenever something has changed; while nothing does (a halted name), less and less often: the
    broker's answers are rationed. Runs on the wall's time: a market clock that waits for this service must not be
    waited for by it.
    """
    attempts, pause, left_before = 0, FIRST_PAUSE_SECONDS, None
    while (halt := await store.active_halt(deps.pool)) is not None and halt.closing:
        if await account_lock.is_taken(deps.pool):  # whoever flattens needs the broker's answers more than we do
            await asyncio.sleep(LOOK_SECONDS * 10)
            continue
        attempts += 1
        held, trouble = await store.open_positions(deps.pool), None
        try:
            left = await _close_and_look(deps, watch)
        except CatalystError as error:
            left, trouble = (), error.detail
        await _tell_progress(deps, halt, attempts, left, trouble)
        log.info("closing", attempts=attempts, left=trouble or rule.words_of(left))
        if not left and not trouble:
            continue
        fresh, left_before = trouble is None and left_before not in (None, left), left
        pause = FIRST_PAUSE_SECONDS if fresh else pause
        changed = await _changed_within(deps, watch, pause, len(held))
        pause = FIRST_PAUSE_SECONDS if changed else min(LONGEST_PAUSE_SECONDS, pause * PAUSE_GROWS)


async def _tell_progress(
    deps: Deps, halt: rule.Halt, attempts: int, left: tuple[rule.Left, ...], trouble: str | None
) -> None:
    """Flat, or, once a halt, that it is not: a person is paged until it is or somebody has seen it."""
    now = await deps.clock.now()
    async with deps.pool.acquire() as connection, connection.transaction():
        if not left and not trouble:
            if await store.mark_flat(connection, halt.halt_id, now):
                await tell(connection, rule.flat(halt, attempts, now), now)
                await end_alert(connection, SERVICE, "not_flat", now)
        elif now - halt.latched_at >= PAGED_AFTER and not await store.happened_since(
            connection, "not_flat", halt.latched_at
        ):
            await tell(connection, rule.not_flat(attempts, left, trouble), now)


async def _changed_within(deps: Deps, watch: Watch, seconds: float, held_before: int) -> bool:
    """Wait, and no longer once fewer positions are open in the books, or a stop is asked for anew: that is when to ask
    the broker again.

    The broker's answers are rationed, a look into our own books is not: where several close one after the other it is
    asked about them together, and at once about the last.
    """
    begun, look, held = perf_counter(), max(LOOK_SECONDS, seconds / 40), held_before
    while (waited := perf_counter() - begun) < seconds:
        if watch.close.is_set():
            watch.close.clear()
            return True
        held = len(await store.open_positions(deps.pool))
        if held < held_before and (not held or waited >= FIRST_PAUSE_SECONDS):
            return True
        await asyncio.sleep(look)
    return held < held_before


async def resume(deps: Deps, reason: str, accept: tuple[str, ...] = ()) -> tuple[rule.Left, ...]:
    """Release the halt; returns what stays because it was accepted by name.

    Raises NotNow before the cool-down is over (with the time), and while something is left that was not accepted (with
    each thing and its name); Unavailable when trading cannot say what is left.
    """
    now, halt = await deps.clock.now(), await store.active_halt(deps.pool)
    if halt is None:
        raise NotNow("trading is not halted")
    if refused := rule.cooling_down(halt, now):
        raise NotNow(refused, possible_at=halt.resume_after)
    left = await _look(deps) if halt.closing else ()
    if missing := rule.not_accepted(left, accept):
        items = tuple(one.model_dump(mode="json") for one in missing)
        raise NotNow(rule.why_not_resume(missing), field="accept", left=items)
    async with deps.pool.acquire() as connection, connection.transaction():
        if await store.release(connection, halt.halt_id, reason, now):
            await tell(connection, rule.resumed(halt, reason, left), now)
            await end_alert(connection, SERVICE, "not_flat", now)
    HALTED.set(0)
    return left


async def drill(deps: Deps, watch: Watch, patience_seconds: float = 60) -> dict[str, float]:
    """The emergency stop for practice, with its times in ms; released again once flat.

    Raises Forbidden on a live account, NotNow when a halt stands or the account did not become flat in time.
    """
    if deps.settings.broker == "live":
        raise Forbidden("a drill closes every position; it is not done with live money")
    if await store.active_halt(deps.pool) is not None:
        raise NotNow("trading is halted already")
    started = perf_counter()
    await emergency_stop(deps, watch, "drill", drill=True)
    latched = perf_counter()
    while (halt := await store.active_halt(deps.pool)) is not None and halt.closing:
        if perf_counter() - started > patience_seconds:
            raise NotNow(f"not flat after {patience_seconds:.0f} s; the halt stands and closing goes on")
        await asyncio.sleep(0.02)
    verified = perf_counter()
    await resume(deps, "the drill is over")
    return {"latched_ms": round((latched - started) * 1e3, 1), "flat_ms": round((verified - started) * 1e3, 1)}
