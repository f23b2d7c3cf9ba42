"""Taking over the configuration's files while running: this service decides for all, and the journal tells them."""

from typing import Any

import structlog

from config.reload import RISK_FILE, TRADING_FILE, ConfigFileError, Texts, build, changes_between, digest_of, read_texts
from config.trading import Config
from services.risk_manager import store
from services.risk_manager.flow.watch import SERVICE, Refused, Watch, tell
from services.risk_manager.rules.bounds import Standing, out_of_bounds
from services.risk_manager.rules.stop import Notice
from shared.deps import Deps
from shared.domain.session import Session
from shared.errors import BadInput, CatalystError, NotNow
from shared.journal import Connection, append_event
from shared.runtime.calendar import now_and_next

ACCEPTED, CHANGED, REFUSED, RESTART = "config.accepted", "config.changed", "config.refused", "config.restart_needed"
log = structlog.get_logger()


async def look_at_files(deps: Deps, watch: Watch) -> None:
    """One round. A file is read once it has stood still for a round; one out of bounds is asked again each round."""
    files, stamp = watch.files, deps.config.stamp()
    still, files.stamp = stamp == files.stamp, stamp
    waits = files.refused is not None and files.refused.forcible
    if not still or (stamp == files.decided and not waits):
        return
    await decide_on_files(deps, watch)
    files.decided = stamp


async def decide_on_files(deps: Deps, watch: Watch) -> None:
    """Accept what lies there, or refuse it and keep what holds."""
    files = watch.files
    try:
        texts = read_texts(deps.config.folder)
    except ConfigFileError as error:
        await _refuse(deps, watch, Refused("unreadable", (str(error),), False))
        return
    files.at_start = files.at_start or texts
    wanted, cold = _allowed(deps, watch, texts)
    if cold:
        await _say_restart(deps, watch, cold, digest_of(texts))
    if wanted == deps.config.texts and await store.last_event(deps.pool, [ACCEPTED]) is not None:
        files.refused = deps.config.problem = None
        return
    try:
        new = build(wanted, deps.settings)
    except ConfigFileError as error:
        await _refuse(deps, watch, Refused(digest_of(texts), (str(error),), False))
        return
    reasons = await _accept(deps, watch, wanted, new, "the files")
    if reasons:
        await _refuse(deps, watch, Refused(digest_of(texts), reasons, True))


def _allowed(deps: Deps, watch: Watch, texts: Texts) -> tuple[Texts, list[str]]:
    """The files with those left out that need a restart, and the names of these."""
    warm = {TRADING_FILE: deps.settings.trading_hot_reload, RISK_FILE: deps.settings.risk_hot_reload}
    held, start = deps.config.texts, watch.files.at_start or texts
    cold = [name for name in texts if not warm[name] and texts[name] not in (held[name], start[name])]
    return {name: held[name] if name in cold else text for name, text in texts.items()}, cold


async def _standing(deps: Deps, watch: Watch, connection: Connection) -> Standing:
    now = await deps.clock.now()
    positions = await store.open_positions(connection)
    session: Session | None = None
    if positions:
        try:
            session, _ = await now_and_next(deps.market, now)
        except CatalystError as error:
            log.warning("session_unknown", error=error.detail)
    loss = {"loss": watch.reading.loss} if watch.reading is not None else {}
    return Standing(now, await store.holdings(connection, now, ()), positions, session=session, **loss)


async def _accept(
    deps: Deps, watch: Watch, texts: Texts, new: Config, by: str, forced: str | None = None
) -> tuple[str, ...]:
    """Let it hold here and tell the others through the journal; or say why not. No decision runs beside it."""
    before: Texts | None = None
    try:
        async with deps.pool.acquire() as connection, connection.transaction():
            await store.take_turn(connection)
            # Read in our turn: somebody may have forced what we would refuse.
            old = deps.config.current()
            standing = await _standing(deps, watch, connection)
            reasons = out_of_bounds(old, new, standing)
            if reasons and forced is None:
                return reasons
            facts: dict[str, Any] = {"hash": new.hash, "was": old.hash, "by": by, "overruled": reasons}
            await append_event(connection, SERVICE, ACCEPTED, standing.now, facts | {"files": dict(texts)})
            if changes := changes_between(old, new):
                await tell(connection, _changed(changes, new, facts, forced), standing.now)
            before = deps.config.texts
            deps.config.hold(texts)
    except BaseException:
        if before is not None:
            deps.config.hold(before)
        raise
    watch.files.refused = deps.config.problem = None
    log.info("config_accepted", hash=new.hash, changes=changes, forced=forced)
    return ()


def _changed(changes: tuple[str, ...], new: Config, facts: dict[str, Any], forced: str | None) -> Notice:
    message = f"The configuration has changed. {'; '.join(changes)}."
    if forced is not None:
        message += f" Forced: {forced}. Out of bounds by it: {'; '.join(facts['overruled']) or 'nothing'}."
    if new.warnings:
        message += f" Note: {'; '.join(new.warnings)}."
    payload = facts | {"changes": list(changes), "forced": forced}
    return Notice(severity="warning" if forced else "info", kind=CHANGED, message=message, payload=payload)


async def _refuse(deps: Deps, watch: Watch, refused: Refused) -> None:
    """What holds stays. One warning for each content, also across restarts."""
    listed = "; ".join(refused.reasons)
    watch.files.refused, deps.config.problem = refused, f"the files do not hold: {listed}"
    if refused.hash in watch.files.said:
        return
    watch.files.said.add(refused.hash)
    last = await store.last_event(deps.pool, [ACCEPTED, REFUSED])
    if last is not None and last["kind"] == REFUSED and last["payload"]["hash"] == refused.hash:
        return
    message = f"The changed configuration is refused, the old values stay: {listed}."
    if refused.forcible:
        message += f" It is taken over when that is no longer so, or by `catalyst config accept {refused.hash}`."
    payload = {"hash": refused.hash, "reasons": list(refused.reasons), "forcible": refused.forcible}
    await _tell(deps, Notice(severity="warning", kind=REFUSED, message=message, payload=payload))


async def _say_restart(deps: Deps, watch: Watch, cold: list[str], digest: str) -> None:
    if (key := f"restart {digest}") in watch.files.said:
        return
    watch.files.said.add(key)
    message = f"{' and '.join(cold)} changed, but hot reload is off for it: restart the risk manager to take it over."
    await _tell(deps, Notice(severity="warning", kind=RESTART, message=message, payload={"hash": digest}))


async def _tell(deps: Deps, notice: Notice) -> None:
    now = await deps.clock.now()
    async with deps.pool.acquire() as connection, connection.transaction():
        await tell(connection, notice, now)


async def force(deps: Deps, watch: Watch, digest: str, reason: str) -> None:
    """Let the files hold although something gets out of bounds. Raises BadInput for files that cannot be used, NotNow
    when they are not (or no longer) those of the hash, or hold already.
    """
    try:
        texts = read_texts(deps.config.folder)
        watch.files.at_start = watch.files.at_start or texts
        wanted, cold = _allowed(deps, watch, texts)
        new = build(wanted, deps.settings)
    except ConfigFileError as error:
        raise BadInput(f"these files cannot be used: {error}", field="hash") from error
    if digest_of(texts) != digest:
        raise NotNow(f"the files have hash {digest_of(texts)} now: look at them again", field="hash")
    if wanted == deps.config.texts:
        raise NotNow(f"{' and '.join(cold)}: hot reload is off, restart" if cold else "these values hold already")
    await _accept(deps, watch, wanted, new, "a person", forced=reason)


async def compared(deps: Deps, watch: Watch) -> dict[str, Any]:
    """What holds, and how the files differ from it."""
    held, problem, digest = deps.config.current(), deps.config.problem, None
    changes: tuple[str, ...] = ()
    try:
        texts = read_texts(deps.config.folder)
        digest = digest_of(texts)
        changes = changes_between(held, build(texts, deps.settings))
    except ConfigFileError as error:
        problem = str(error)
    refused = watch.files.refused
    return {
        "hash": held.hash,
        "files_hash": digest,
        "changes": changes,
        "problem": problem,
        "refused": list(refused.reasons) if refused is not None else [],
        "forcible": refused is not None and refused.forcible,
        "limits": held.limits,
        "warnings": held.warnings,
        "hot_reload": {TRADING_FILE: deps.settings.trading_hot_reload, RISK_FILE: deps.settings.risk_hot_reload},
    }
