"""An open market without scans, whatever the reason: workflow may be down, or no cycle was ever opened."""

from datetime import datetime

from services.risk_manager import store
from services.risk_manager.flow.watch import SERVICE, Watch, tell
from services.risk_manager.rules import silence as rule
from services.risk_manager.rules.health import LOOK_EVERY
from services.risk_manager.store import alerts
from services.risk_manager.store.scanning import scanning_on
from shared.deps import Deps
from shared.domain.session import Session
from shared.journal import end_alert


async def look_for_scans(deps: Deps, watch: Watch, session: Session, now: datetime) -> None:
    """Call a person once for each silence; with the next scan the call is over.

    The first minute after our own start counts for nothing: workflow may just be starting, too.
    """
    seen = await scanning_on(deps.pool, session.day, session.open)
    since = rule.silent_since(seen, session)
    if now - since <= rule.allowed(deps.config.current(), seen):
        if await alerts.is_unseen(deps.pool, SERVICE, rule.NO_SCAN):
            async with deps.pool.acquire() as connection:
                await end_alert(connection, SERVICE, rule.NO_SCAN, now)
        return
    if now - (watch.begun_at or now) < LOOK_EVERY or await store.happened_since(deps.pool, rule.NO_SCAN, since):
        return
    async with deps.pool.acquire() as connection, connection.transaction():
        await tell(connection, rule.no_scan(seen, since, now), now)
