"""The neighbours of workflow as small honest services: each answers the same question the same way twice."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from shared.domain.cycle import DecideRequest, ScanAnswer, ScanRequest
from shared.domain.evidence import (
    AssessRequest,
    Candidate,
    NewsAssessment,
    PatternAssessment,
    PatternEvidence,
    ScoreUpdates,
    Standing,
    TechnicalAssessment,
    TechnicalEvidence,
)  # fmt: skip
from shared.domain.news import NewsEvidence
from shared.domain.order import ApprovedOrder, Check, OrderView, Verdict, client_order_id
from shared.domain.position import PositionView
from tests.workflow.surroundings import OPEN

Answer = Any
"""JSON as one of them answers it."""
SPOILT = ("/scan", "/assess", "/decide", "/orders")


def candidate(number: int) -> Candidate:
    return Candidate(
        symbol=symbol(number),
        rank=number + 1,
        price=20.0 + number,
        volume=1_000_000,
        previous_close=19.0 + number,
        change_pct=5.0,
        gap_pct=2.0,
        rvol=3.0,
        dollar_volume=2e7,
        average_volume=5e6,
        sector="Technology",
        momentum_score=round(1 - number / 200, 4),
        volume_score=round(0.9 - number / 200, 4),
    )


def symbol(number: int) -> str:
    return f"S{chr(65 + number // 26)}{chr(65 + number % 26)}"


@dataclass
class World:
    """Everything the neighbours know and have been asked; a test bends it."""

    pool: asyncpg.Pool
    candidates: int = 100
    down: set[str] = field(default_factory=set)
    spoilt: dict[str, Callable[[Answer], Answer]] = field(default_factory=dict)
    refused_by_risk: set[str] = field(default_factory=set)
    refused_by_trading: dict[str, int] = field(default_factory=dict)
    raced: set[str] = field(default_factory=set)
    negative: set[str] = field(default_factory=set)
    hold_at: tuple[str, int] | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    after_store: bool = False
    asked: list[str] = field(default_factory=list)
    scans: dict[tuple[str, int], ScanAnswer] = field(default_factory=dict)
    verdicts: dict[UUID, Verdict] = field(default_factory=dict)
    decided: list[DecideRequest] = field(default_factory=list)
    orders: dict[UUID, OrderView] = field(default_factory=dict)
    scores: list[ScoreUpdates] = field(default_factory=list)
    positions: list[PositionView] = field(default_factory=list)
    latest_news: datetime | None = OPEN

    async def come(self, name: str) -> None:
        """One question arrives; the one that a test wants to hold waits here."""
        self.asked.append(name)
        if self.hold_at == (name, self.asked.count(name)):
            self.held.set()
            await self.let_go.wait()

    def count(self, name: str) -> int:
        return self.asked.count(name)

    @property
    def sent(self) -> list[str]:
        """Symbols with an order, in the order of sending."""
        return [order.symbol for order in self.orders.values()]


def refusal(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"title": "no", "status": status, "detail": detail}, status)


def neighbours(world: World) -> FastAPI:
    """All six on one address, each below its own name."""
    app = FastAPI()

    @app.middleware("http")
    async def presence(request: Request, call_next: Any) -> Any:
        service = request.url.path.split("/")[1]
        if service in world.down:
            return refusal(503, "gone")
        response = await call_next(request)
        if (spoil := world.spoilt.get(service)) is None or not request.url.path.endswith(SPOILT):
            return response
        honest = json.loads(b"".join([part async for part in response.body_iterator]))
        return Response(json.dumps(spoil(honest)), response.status_code, media_type="application/json")

    _add_scanner(app, world)
    _add_stages(app, world)
    _add_risk(app, world)
    _add_trading(app, world)
    return app


def _add_scanner(app: FastAPI, world: World) -> None:
    @app.post("/scanner/api/v1/scan")
    async def scan(body: ScanRequest) -> ScanAnswer:
        await world.come("scan")
        assert body.cycle_id is not None
        assert body.scan is not None
        assert body.as_of is not None
        answer = ScanAnswer(
            cycle_id=body.cycle_id,
            scan=body.scan,
            as_of=body.as_of,
            universe=4129,
            scanned=4000,
            stored=200,
            dropped={"stale": 129},
            candidates=tuple(candidate(number) for number in range(world.candidates)),
        )
        for one in answer.candidates:
            await world.pool.execute("SELECT get_or_create_security($1)", one.symbol)
        return world.scans.setdefault((body.cycle_id, body.scan), answer)

    @app.get("/scanner/api/v1/explain/{name}", response_model=None)
    async def explain(name: str, cycle_id: str, scan: int) -> Standing | JSONResponse:
        if name == "LATE":
            return Standing(
                cycle_id=cycle_id, scan=scan, symbol=name, reached="ranked", reason="ranked 231 of 4000", rank=231,
                survivors=4000, scores={"momentum_score": 0.4, "volume_score": 0.3},
            )  # fmt: skip
        if name != "CHEAP":
            return refusal(404, f"no {name}")
        return Standing(
            cycle_id=cycle_id, scan=scan, symbol=name, reached="universe", reason="price below the least",
            survivors=4000, value=0.8, threshold=1.0, margin=-0.2,
        )  # fmt: skip

    @app.post("/scanner/api/v1/scores")
    async def scores(body: ScoreUpdates) -> dict[str, int]:
        await world.come("scores")
        world.scores.append(body)
        return {"updated": len(body.scores)}


def _add_stages(app: FastAPI, world: World) -> None:
    @app.post("/news/api/v1/assess")
    async def news(body: AssessRequest) -> NewsAssessment:
        await world.come("news")
        return NewsAssessment(as_of=body.as_of, evidence=tuple(_news(world, one) for one in body.symbols))

    @app.post("/pattern/api/v1/assess")
    async def pattern(body: AssessRequest) -> PatternAssessment:
        await world.come("pattern")
        found = tuple(PatternEvidence(symbol=one, score=0.7 if one < "SB" else 0.5) for one in body.symbols)
        return PatternAssessment(as_of=body.as_of, evidence=found)

    @app.post("/technical/api/v1/assess")
    async def technical(body: AssessRequest) -> TechnicalAssessment:
        await world.come("technical")
        parts: dict[str, float | None] = {"trend": 0.9, "volume": 0.7, "daily": 0.8}
        found = tuple(
            TechnicalEvidence(symbol=one, score=0.8, atr=0.5, parts=parts, weights={"trend": 0.5, "volume": 0.5})
            for one in body.symbols
        )
        return TechnicalAssessment(as_of=body.as_of, evidence=found)


def _news(world: World, name: str) -> NewsEvidence:
    bad = name in world.negative
    return NewsEvidence(
        symbol=name,
        score=0.1 if bad else 0.8,
        sentiment=-0.8 if bad else 0.6,
        confidence=0.9,
        items=1,
        latest_at=world.latest_news,
        reason="said so",
    )


def _add_risk(app: FastAPI, world: World) -> None:
    @app.post("/risk-manager/api/v1/risk/decide")
    async def decide(body: DecideRequest) -> tuple[Verdict, ...]:
        await world.come("decide")
        world.decided.append(body)
        approved, answer = 0, []
        for one in body.candidates:
            decision = uuid5(NAMESPACE_URL, f"{body.cycle_id}/{body.scan}/{one.symbol}/{body.attempt}")
            good = one.symbol not in world.refused_by_risk and approved < body.approve_max
            approved += good
            answer.append(world.verdicts.setdefault(decision, _verdict(body, one.symbol, one.price, decision, good)))
        return tuple(answer)


def _verdict(body: DecideRequest, name: str, price: float, decision: UUID, good: bool) -> Verdict:
    at = Decimal(str(price))
    order = ApprovedOrder(
        decision_id=decision,
        cycle_id=body.cycle_id,
        scan=body.scan,
        client_order_id=client_order_id("20251120", name, "entry", body.scan * 100 + body.attempt),
        symbol=name,
        side="long",
        quantity=max(1, int(100 * body.size_factor)),
        reference_price=at,
        limit_price=at,
        stop_price=at - 1,
        take_profit_price=at + 3,
        expires_at=body.as_of + timedelta(seconds=60),
    )
    check = Check(name="max_positions", passed=good, value=6, limit=5, margin=-1)
    return Verdict(
        symbol=name,
        approved=good,
        decision_id=decision,
        reason="within limits" if good else "max_positions reached",
        risk_score=0.2,
        risk_amount=Decimal(100),
        checks=(check,),
        order=order if good else None,
    )


def _add_trading(app: FastAPI, world: World) -> None:
    @app.post("/trading/api/v1/orders", response_model=None)
    async def send(body: ApprovedOrder) -> OrderView | JSONResponse:
        if not world.after_store:
            await world.come("order")
        if status := world.refused_by_trading.get(body.symbol):
            return refusal(status, f"{body.symbol} is halted")
        if body.symbol in world.raced:
            world.raced.remove(body.symbol)
            why = {"status": "rejected", "reason": "in other words", "refusal": "price_moved"}
            return _order(body).model_copy(update=why)
        answer = world.orders.setdefault(body.decision_id, _order(body))
        if world.after_store:
            await world.come("order")
        return answer

    @app.get("/trading/api/v1/orders")
    async def orders(cycle_id: str) -> tuple[OrderView, ...]:
        return tuple(order for order in world.orders.values() if order.cycle_id == cycle_id)

    @app.get("/trading/api/v1/positions")
    async def positions(status: str | None = None) -> tuple[PositionView, ...]:
        return tuple(world.positions)


def _order(body: ApprovedOrder) -> OrderView:
    return OrderView(
        order_id=uuid5(body.decision_id, "order"),
        client_order_id=body.client_order_id,
        broker_order_id=None,
        parent_order_id=None,
        decision_id=body.decision_id,
        cycle_id=body.cycle_id,
        symbol=body.symbol,
        side="buy",
        purpose="entry",
        type="market",
        status="new",
        quantity=body.quantity,
        filled_quantity=0,
        filled_average_price=None,
        limit_price=None,
        stop_price=None,
        reason=None,
        created_at=OPEN,
        submitted_at=OPEN,
        updated_at=OPEN,
    )
