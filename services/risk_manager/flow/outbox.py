"""The outbox: alerts on their way to people."""

import structlog
from prometheus_client import Gauge

from services.risk_manager import store
from services.risk_manager.rules import mail
from services.risk_manager.rules.paging import PAGES_A_DAY
from shared.deps import Deps
from shared.errors import CatalystError

LEASE_SECONDS, MOST_IN_ONE_MESSAGE = 60.0, 1000
WAITING = Gauge("catalyst_alerts_waiting", "Alerts that have not reached everybody yet")
log = structlog.get_logger()


async def send_waiting(deps: Deps) -> None:
    """One round of the outbox. What fails is tried again, later and later, for ever; each way has its own rows.

    Critical alerts that nobody has seen go again after a while.
    """
    ways = [mail.EMAIL, *([mail.WEBHOOK] if deps.webhook else [])]
    await store.enrol_alerts(deps.pool, ways)
    again = 60 * deps.config.current().risk.watch.page_again_minutes
    for way in (mail.EMAIL, mail.WEBHOOK):
        if paged := await store.page_again(deps.pool, way, again, PAGES_A_DAY):
            log.warning("paged_again", way=way, alerts=paged)
        for group in mail.grouped(await store.claim_alerts(deps.pool, way, LEASE_SECONDS, MOST_IN_ONE_MESSAGE)):
            await _send(deps, way, group)
    WAITING.set(await store.alerts_waiting(deps.pool))


async def _send(deps: Deps, way: str, group: list[mail.WaitingAlert]) -> None:
    """One message, and how it ended."""
    say, ids, text = deps.settings, [one.alert_id for one in group], mail.compose(group)
    known = mail.address_book(say.alert_email_critical, say.alert_email_warning, say.alert_email_info)
    to = mail.addresses(group[0], known) if way == mail.EMAIL else (mail.WEBHOOK,)
    through = deps.mailer if way == mail.EMAIL else deps.webhook
    if through is None or not to:
        why = f"{mail.SPOKEN[way]} is switched off" if through is None else f"no address for {group[0].severity}"
        await store.settle_alerts(deps.pool, way, ids, "unaddressed", why, 0)
        return
    try:
        await through.send(to, text.subject, text.text, text.html)
    except CatalystError as error:
        retry = mail.retry_after(max(one.attempts for one in group))
        log.warning("alert_not_sent", way=way, alerts=ids, error=error.detail, retry_seconds=retry)
        await store.settle_alerts(deps.pool, way, ids, "waiting", error.detail, retry)
    else:
        await store.settle_alerts(deps.pool, way, ids, "sent", None, 0)
