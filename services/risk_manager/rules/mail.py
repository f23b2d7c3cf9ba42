"""How alerts read in a mail, and who gets it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from shared.domain.base import Value

TEST_KIND = "test"
TEST_SUBJECT = "[TEST] Catalyst Alert System Test"
EMAIL, WEBHOOK = "email", "webhook"
SPOKEN = {EMAIL: "e-mail", WEBHOOK: "the webhook"}
# What comes within the window goes in one message; after a message the next of its severity waits for the gap, so that
# a storm of alerts is a message every half minute and not one a second.
WINDOW_SECONDS = {"critical": 1.0, "warning": 5.0, "info": 15.0}
GAP_SECONDS = {"critical": 30.0, "warning": 120.0, "info": 600.0}
MOST_ROWS, MOST_IDS = 50, 10
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5.0, 600.0


class Alert(Value):
    """One row of the journal of alerts."""

    alert_id: int
    service: str
    severity: str
    kind: str
    message: str
    cycle_id: str | None
    occurred_at: datetime


class WaitingAlert(Alert):
    """One alert of the outbox; `attempts` counts the one now made, `pages` how often it was sent before."""

    attempts: int
    pages: int = 0


class Mail(Value):
    subject: str
    text: str
    html: str


def retry_after(attempts: int) -> float:
    """Seconds until the next attempt: doubled each time, ten minutes at most; there is no last one."""
    return float(min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(max(0, attempts - 1), 10)))


def address_book(critical: str, warning: str, info: str) -> dict[str, str]:
    return {"critical": critical, "warning": warning, "info": info}


def addresses(alert: WaitingAlert, known: Mapping[str, str]) -> tuple[str, ...]:
    """Who hears of an alert (comma-separated in the settings); a test mail goes to everybody that is known."""
    texts = known.values() if alert.kind == TEST_KIND else (known.get(alert.severity, ""),)
    parts = (part.strip() for text in texts for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def grouped(alerts: Sequence[WaitingAlert]) -> list[list[WaitingAlert]]:
    """One mail a severity, the worst first; test mails go by themselves."""
    groups: dict[tuple[bool, int], list[WaitingAlert]] = {}
    for alert in alerts:
        groups.setdefault((alert.kind == TEST_KIND, list(WINDOW_SECONDS).index(alert.severity)), []).append(alert)
    return [groups[key] for key in sorted(groups)]


def _subject(alerts: Sequence[WaitingAlert]) -> str:
    first = alerts[0]
    if first.kind == TEST_KIND:
        return TEST_SUBJECT
    what = _one_line(first.message)
    return f"[{first.severity.upper()}] Catalyst: {what if len(alerts) == 1 else f'{len(alerts)} alerts: {what}'}"


def _one_line(text: str) -> str:
    """Short, and without the line breaks that would end a header."""
    line = " ".join(text.split())
    return line if len(line) <= 90 else line[:89] + "…"


def _row(alert: WaitingAlert) -> tuple[str, str, str, str]:
    where = alert.service + (f", cycle {alert.cycle_id}" if alert.cycle_id else "")
    return f"{alert.occurred_at:%Y-%m-%d %H:%M:%S} UTC", where, alert.kind.replace("_", " "), alert.message


def _rows(alerts: Sequence[WaitingAlert]) -> list[tuple[str, str, str, str]]:
    same: dict[tuple[str, str, str], list[WaitingAlert]] = {}
    for alert in alerts:
        same.setdefault((alert.service, alert.kind, alert.message), []).append(alert)
    rows = []
    for group in list(same.values())[:MOST_ROWS]:
        at, where, kind, message = _row(group[0])
        again = f" ({len(group)} times, last {group[-1].occurred_at:%H:%M:%S} UTC)" if len(group) > 1 else ""
        rows.append((at, where, kind, message + again + _paged(group)))
    if len(same) > MOST_ROWS:
        rows.append((rows[-1][0], "all services", "more", f"and {len(same) - MOST_ROWS} others, in the journal"))
    return rows


def _paged(group: Sequence[WaitingAlert]) -> str:
    """How often it was said before."""
    pages = max(one.pages for one in group)
    times = "once" if pages == 1 else f"{pages} times"
    return f" (sent {times} before, and nobody has acknowledged it)" if pages else ""


def _answer(alerts: Sequence[WaitingAlert]) -> str:
    """What to do so that it is not sent again; nothing for what is sent once."""
    if alerts[0].severity != "critical" or alerts[0].kind == TEST_KIND:
        return ""
    ids = " ".join(str(one.alert_id) for one in alerts) if len(alerts) <= MOST_IDS else "all"
    return f"Sent again until somebody has seen it: catalyst seen {ids}"


def compose(alerts: Sequence[WaitingAlert]) -> Mail:
    """One mail for alerts of one severity, oldest first; what was said several times stands there once."""
    rows = _rows(alerts)
    text = "\n\n".join(f"{at}  {where}\n{kind}: {message}" for at, where, kind, message in rows)
    cells = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    answer = _answer(alerts)
    head = "<tr><th>When</th><th>Where</th><th>What</th><th>Message</th></tr>"
    html = f"<html><body><h2>{escape(_subject(alerts))}</h2><table>{head}{cells}</table><p>{answer}</p></body></html>"
    return Mail(subject=_subject(alerts), text=text + (f"\n\n{answer}\n" if answer else "\n"), html=html)
