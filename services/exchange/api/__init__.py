"""The exchange's application. The world's routers are in `ROUTES`, the venue's in `DESK_ROUTES`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date

from fastapi import APIRouter, FastAPI

from config.settings import Settings
from services.exchange.api import data, data_stream, faults, holdings, market, news, sim, sim_book, stream, trading
from services.exchange.api.desk import Desk, open_desk
from services.exchange.api.gate import AlpacaGate
from services.exchange.api.mischief import Mischief
from services.exchange.flow import World, open_world, playing
from services.exchange.rules.knobs import VenueSettings
from shared.errors import ConfigError
from shared.web import Outfit, new_app

ABOUT = "A market day in a box: Alpaca's REST and WebSocket protocols over a tape, on a clock that can be moved."
ROUTES: tuple[Callable[[World], APIRouter], ...] = (sim.routes, market.routes, data.routes, news.routes)
DESK_ROUTES: tuple[Callable[[Desk], APIRouter], ...] = (
    sim_book.routes,
    faults.routes,
    trading.routes,
    holdings.routes,
    stream.routes,
    data_stream.routes,
)


def create_app(deps: Outfit) -> FastAPI:
    """The service as the composition root starts it. Raises ConfigError when the tape cannot be played."""
    world = world_of(deps.settings)
    settings = VenueSettings(seed=deps.settings.exchange_seed)
    desk = open_desk(world, deps.settings.exchange_journal, settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with playing(world):
            yield

    return equip(new_app("exchange", deps, about=ABOUT, lifespan=lifespan, keyed=False), desk)


def bare_app(world: World, desk: Desk | None = None) -> FastAPI:
    """The exchange by itself, without database and cache: for tests and tools that need a market and nothing else."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with playing(world):
            yield

    return equip(FastAPI(title="Catalyst exchange", description=ABOUT, lifespan=lifespan), desk or open_desk(world))


def equip(app: FastAPI, desk: Desk) -> FastAPI:
    """Every route of both halves, behind Alpaca's kind of keys."""
    for routes in ROUTES:
        app.include_router(routes(desk.world))
    for desk_routes in DESK_ROUTES:
        app.include_router(desk_routes(desk))
    app.add_middleware(Mischief, desk=desk)
    app.add_middleware(AlpacaGate, world=desk.world)
    return app


def world_of(settings: Settings) -> World:
    """The world that the settings describe: tape, day, start, pace, and the place to resume from beside the journal."""
    day = _day_of(settings.exchange_date)
    place = settings.exchange_journal.with_suffix(".clock") if settings.exchange_journal else None
    speed = settings.exchange_speed if settings.exchange_clock == "run" else 0.0
    return open_world(settings.exchange_tape, day, settings.exchange_start, place, speed)


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigError(f"EXCHANGE_DATE is {text}: not a date", field="exchange_date") from error
