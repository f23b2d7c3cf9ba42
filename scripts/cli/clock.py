"""This machine's clock beside the broker's, for the doctor."""

import asyncio

from config.settings import Settings
from shared.adapters.system_clock import SystemClock
from shared.domain.clock import CURE, ClockReading, read_clock
from shared.errors import CatalystError
from shared.ports import Broker


def clock_of(settings: Settings) -> tuple[bool, str, str]:
    """Whether the clocks agree, what was found, and the cure. The simulated exchange's clock is the system's own."""
    if settings.broker == "simulated":
        return True, "the simulated exchange's own", ""
    # alpaca-py is heavy to load, and no other command of the console speaks to the account.
    from shared.adapters.alpaca import AlpacaBroker

    broker = AlpacaBroker(settings, None)
    try:
        return clock_verdict(asyncio.run(_compare(broker)))
    except CatalystError as error:
        return False, f"the broker's clock could not be read: {error.detail}", "see the keys and the network; ask again"
    finally:
        broker.close()


async def _compare(broker: Broker) -> ClockReading:
    clock = SystemClock()
    asked = await clock.now()
    told = await broker.hours()
    return read_clock(asked, told.now, await clock.now())


def clock_verdict(reading: ClockReading) -> tuple[bool, str, str]:
    """A reading in the doctor's words."""
    return reading.in_step, f"{reading.words}, give or take {reading.uncertainty_seconds:.1f} s", CURE
