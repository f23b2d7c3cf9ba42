"""Routes of the risk manager; its loops run beside them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path, Query
from pydantic import Field

from services.risk_manager import store
from services.risk_manager.flow import decide as judging
from services.risk_manager.flow import reload, stop, what_if
from services.risk_manager.flow.supervise import loops
from services.risk_manager.flow.watch import HALTED, Watch
from services.risk_manager.rules.book import Exposure, exposure_of, limits_of
from services.risk_manager.rules.health import problem_of
from services.risk_manager.rules.judge import verdict_of
from services.risk_manager.rules.mail import TEST_KIND, TEST_SUBJECT, address_book
from services.risk_manager.rules.paging import Acknowledged, Acknowledgement, AlertView
from services.risk_manager.store import alerts
from shared.deps import Deps
from shared.domain.base import Value
from shared.domain.cycle import DecideRequest, Rejudged, WhatIfRequest
from shared.domain.order import Check, Price, Quantity, Verdict
from shared.errors import NotFound
from shared.journal import raise_alert
from shared.runtime.health import CLOCK_SILENT, age_seconds, time_of
from shared.runtime.loops import running
from shared.web import new_app


class ValidateRequest(Value):
    """An entry that somebody is thinking of. Only long entries are made."""

    symbol: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.]{0,11}$", examples=["TSLA"])]
    side: Literal["long"]
    quantity: Annotated[Quantity, Field(examples=[10])]
    price: Annotated[Price, Field(examples=[250.0])]
    cycle_id: Annotated[str, Field(examples=["20251122-143022"])]


class Validation(Value):
    """The answer to a validation; `risk_amount` is USD between the price and the default stop, times the quantity."""

    approved: bool
    risk_score: float
    risk_amount: float
    reason: str
    checks: tuple[Check, ...]


AlertId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class ReasonRequest(Value):
    reason: Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S", examples=["news feed went mad"])]


class ResumeRequest(ReasonRequest):
    """`accept` names what may stay: symbols, or orders as `order:<id>`; everything else must be flat."""

    accept: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=140)], ...], Field(max_length=100, examples=[["VTI"]])
    ] = ()


class AcceptRequest(ReasonRequest):
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", examples=["0123456789abcdef"])]


def create_app(deps: Deps) -> FastAPI:
    """The application. Its loops watch the day, close what an emergency stop left open, and mail the alerts."""
    watch = Watch()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with running(*loops(deps, watch)):
            yield

    async def health() -> dict[str, Any]:
        halt, now = await store.active_halt(deps.pool), await time_of(deps.clock)
        HALTED.set(halt is not None)
        facts = {
            "halted": halt is not None,
            "monitored_at": watch.read_at,
            "monitored_age_seconds": age_seconds(watch.read_at, now),
            "alerts_waiting": await store.alerts_waiting(deps.pool),
            "alerts_unseen": await alerts.count_unseen(deps.pool),
            "config_problem": deps.config.problem,
        }
        if now is None:
            return facts | {"problem": CLOCK_SILENT}
        problem = problem_of(now, watch.read_at, watch.begun_at, watch.sessions, watch.failing)
        return facts | ({"problem": problem} if problem else {})

    about = "Says yes or no to every trade, watches the day's loss, stops everything, and mails the alerts."
    app = new_app("risk-manager", deps, about=about, lifespan=lifespan, health=health)
    _add_decisions(app, deps)
    _add_stop(app, deps, watch)
    _add_config(app, deps, watch)
    _add_views(app, deps, watch)
    _add_alerts(app, deps)
    return app


def _add_decisions(app: FastAPI, deps: Deps) -> None:
    @app.post("/api/v1/risk/decide", summary="Verdicts on scored candidates, best first")
    async def decide(request: DecideRequest) -> tuple[Verdict, ...]:
        """One verdict for each candidate, in order; asked again, the stored ones."""
        return await judging.decide(deps, request)

    @app.post("/api/v1/risk/validate", summary="Would this entry be allowed?")
    async def validate(request: ValidateRequest) -> Validation:
        """Every check with its limit and margin. The verdict is kept, but no order can be made of it."""
        verdict = await judging.validate(deps, request.symbol, request.quantity, request.price, request.cycle_id)
        return Validation(
            approved=verdict.approved,
            risk_score=verdict.risk_score,
            risk_amount=float(verdict.risk_amount),
            reason=verdict.reason,
            checks=verdict.checks,
        )

    @app.get("/api/v1/risk/decisions", summary="Stored verdicts of a cycle, newest first")
    async def decisions(
        cycle_id: str, scan: int | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> tuple[Verdict, ...]:
        return tuple(verdict_of(row) for row in await store.list_decisions(deps.pool, cycle_id, scan, limit))


def _add_stop(app: FastAPI, deps: Deps, watch: Watch) -> None:
    @app.post("/api/v1/risk/emergency-stop", summary="Halt, close everything, verify it at the broker", status_code=202)
    async def emergency_stop(request: ReasonRequest) -> dict[str, Any]:
        """Answers as soon as the halt stands; closing goes on until the broker lists nothing (see status)."""
        fresh = await stop.emergency_stop(deps, watch, request.reason)
        return {"halted": True, "already_halted": not fresh, "halt": await store.active_halt(deps.pool)}

    @app.post("/api/v1/risk/resume", summary="Release the halt once the cool-down is over")
    async def resume(request: ResumeRequest) -> dict[str, Any]:
        """409 with the time before that. 409 while something is left that `accept` does not name: `left` has each thing
        with the name to accept it by. What is accepted stays as it is, and is journaled.
        """
        accepted = await stop.resume(deps, request.reason, request.accept)
        return {"halted": False, "reason": request.reason, "accepted": accepted}

    @app.post("/api/v1/risk/drill", summary="Practise the emergency stop on the simulated or paper account")
    async def drill() -> dict[str, Any]:
        """Really closes everything. Times in milliseconds from the request; the halt is released at the end."""
        return {"flat": True, **await stop.drill(deps, watch)}

    @app.post("/api/v1/risk/test-alert", summary="Mail a test alert to every configured address")
    async def test_alert() -> dict[str, Any]:
        """Goes through the outbox like any other alert."""
        known, now = deps.settings, await deps.clock.now()
        book = address_book(known.alert_email_critical, known.alert_email_warning, known.alert_email_info)
        message = "This is a test of the alert system. Nothing is wrong."
        async with deps.pool.acquire() as connection:
            alert_id = await raise_alert(connection, "risk-manager", "info", TEST_KIND, message, now)
        email = "on" if deps.mailer else "off: set ENABLE_EMAIL_ALERTS=true and SMTP_HOST"
        webhook = "on" if deps.webhook else "off: set ALERT_WEBHOOK_URL"
        return {"alert_id": alert_id, "subject": TEST_SUBJECT, "email": email, "addresses": book, "webhook": webhook}


def _add_config(app: FastAPI, deps: Deps, watch: Watch) -> None:
    @app.get("/api/v1/risk/config", summary="What holds, and how the files differ from it")
    async def config() -> dict[str, Any]:
        """`limits` with what each source says of them; `changes` as "key: old -> new"; `refused`: why the files do not
        hold.
        """
        return await reload.compared(deps, watch)

    @app.post("/api/v1/risk/config/try", summary="What past decisions would have been under other files")
    async def try_config(request: WhatIfRequest) -> tuple[tuple[Rejudged, ...], ...]:
        """For each scan both verdicts of every candidate that was judged then, in the order asked; nothing is kept."""
        return await what_if.what_if(deps, request)

    @app.post("/api/v1/risk/config/accept", summary="Let refused files hold although positions get out of bounds")
    async def accept(request: AcceptRequest) -> dict[str, Any]:
        """409 unless the files still have that hash. Journaled with the reason and with what it overrules."""
        await reload.force(deps, watch, request.hash, request.reason)
        return await reload.compared(deps, watch)


def _add_views(app: FastAPI, deps: Deps, watch: Watch) -> None:
    @app.get("/api/v1/risk/status", summary="Halt, the day's P&L and its limit, room for new entries")
    async def status() -> dict[str, Any]:
        now, limits = await deps.clock.now(), limits_of(deps.config.current())
        halt = await store.active_halt(deps.pool)
        holdings = await store.holdings(deps.pool, now, ())
        return {
            "as_of": now,
            "halted": halt is not None,
            "halt": halt,
            "day": watch.reading,
            "monitored_at": watch.read_at,
            "slots_used": len({one.symbol for one in holdings}),
            "limits": limits,
            "alerts_waiting": await store.alerts_waiting(deps.pool),
        }

    @app.get("/api/v1/risk/exposure", summary="Money at work or promised, by symbol and sector")
    async def exposure() -> Exposure:
        """USD at entry or expected price; `risk` is what the stops would lose from there."""
        holdings = await store.holdings(deps.pool, await deps.clock.now(), ())
        return exposure_of(holdings, limits_of(deps.config.current()))

    @app.get("/api/v1/risk/events", summary="What risk noticed and did, newest first")
    async def events(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[dict[str, Any]]:
        return await store.list_risk_events(deps.pool, limit)


def _add_alerts(app: FastAPI, deps: Deps) -> None:
    @app.get("/api/v1/risk/alerts", summary="Alerts, newest first")
    async def listed(
        only_open: Annotated[bool, Query(alias="open")] = False, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> tuple[AlertView, ...]:
        """`open=true`: critical ones that nobody has acknowledged and whose condition is not over. They are sent again
        every `watch.page_again_minutes`.
        """
        return await alerts.list_alerts(deps.pool, only_open, limit)

    @app.post("/api/v1/risk/alerts/{alert_id}/acknowledge", summary="Say that somebody has seen an alert")
    async def acknowledge(alert_id: AlertId, request: Acknowledgement) -> Acknowledged:
        """It is not sent again, nor are earlier ones that say the same. Twice is once; 404 when there is none."""
        now = await deps.clock.now()
        async with deps.pool.acquire() as connection, connection.transaction():
            covered = await alerts.acknowledge(connection, alert_id, request.by.strip(), request.note, now)
            await alerts.stop_paging(connection, covered)
            if (found := await alerts.alert(connection, alert_id)) is None:
                raise NotFound(f"there is no alert {alert_id}", field="alert_id")
        return Acknowledged(alert=found, covered=tuple(covered), already=alert_id not in covered)
