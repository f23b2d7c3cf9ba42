"""Silence: how long the market may be open without a scan, and what can be seen of why there is none."""

from datetime import datetime, timedelta
from typing import Literal

from config.trading import Config
from services.risk_manager.rules.stop import Notice
from shared.domain.base import Value
from shared.domain.session import Session

NO_SCAN = "no_scan"
SPARE = 1.5
"""Of the time between two scans; beyond it the next one is missing."""
Reason = Literal["no_cycle", "ended", "driven_by_hand", "not_scanning"]


class Scanning(Value):
    """What the tables say: the session's newest scan, and the day's newest cycle where there is one."""

    last_scan_at: datetime | None
    cycle_id: str | None
    status: str | None
    driven_by: str | None
    scan_frequency_seconds: int | None

    @property
    def is_running(self) -> bool:
        return self.status in ("running", "stopping")


def allowed(config: Config, seen: Scanning) -> timedelta:
    """How long there may be no scan: as configured, and never shorter than a running schedule's own steps ask."""
    flow = config.trading.workflow
    usual = SPARE * max(flow.scan_frequency_minutes, flow.first_scan_delay_minutes)
    limit = timedelta(minutes=config.risk.watch.no_scan_minutes or usual)
    if seen.is_running and seen.driven_by != "hand" and seen.scan_frequency_seconds:
        limit = max(limit, SPARE * timedelta(seconds=seen.scan_frequency_seconds))
    return limit


def silent_since(seen: Scanning, session: Session) -> datetime:
    """The newest scan of the session, else its opening."""
    return max(seen.last_scan_at or session.open, session.open)


def reason_of(seen: Scanning) -> Reason:
    if seen.cycle_id is None:
        return "no_cycle"
    if not seen.is_running:
        return "ended"
    return "driven_by_hand" if seen.driven_by == "hand" else "not_scanning"


def no_scan(seen: Scanning, since: datetime, now: datetime) -> Notice:
    """The alarm, with the reason as far as the tables show it."""
    reason, minutes = reason_of(seen), round((now - since).total_seconds() / 60, 1)
    said = {
        "no_cycle": "no cycle was opened today (`catalyst start` opens one)",
        "ended": f"cycle {seen.cycle_id} is {seen.status} (`catalyst start` opens another)",
        "driven_by_hand": f"cycle {seen.cycle_id} is driven by hand and scans only when asked (`catalyst scan`)",
        "not_scanning": f"cycle {seen.cycle_id} is {seen.status} and does not scan: look at workflow and scanner"
        " (`catalyst status`)",
    }[reason]
    if seen.last_scan_at:
        message = f"No scan has started for {minutes:g} minutes of an open market: {said}"
    else:
        message = f"No scan has started in the {minutes:g} minutes since the market opened: {said}"
    facts = {"reason": reason, "minutes": minutes, "since": since.isoformat(), "cycle_id": seen.cycle_id}
    return Notice(severity="critical", kind="no_scan", message=message, payload=facts)
