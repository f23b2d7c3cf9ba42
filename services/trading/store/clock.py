"""SQL of the one row that says how far our clock is from the broker's."""

import asyncpg

from shared.domain.clock import ClockReading
from shared.journal import Connection

Source = asyncpg.Pool | Connection


async def write_clock_reading(source: Source, reading: ClockReading) -> None:
    """How far our clock is from the broker's; the one row there is."""
    await source.execute(
        "INSERT INTO clock_offset (offset_seconds, uncertainty_seconds, in_step, broker_time, our_time)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (only_row) DO UPDATE SET offset_seconds = $1,"
        " uncertainty_seconds = $2, in_step = $3, broker_time = $4, our_time = $5",
        *(reading.offset_seconds, reading.uncertainty_seconds, reading.in_step, reading.broker_time, reading.our_time),
    )


async def last_clock_reading(source: Source) -> ClockReading | None:
    """The last comparison of any run."""
    rows = await source.fetch("SELECT offset_seconds, uncertainty_seconds, broker_time, our_time FROM clock_offset")
    return next((ClockReading(**dict(row)) for row in rows), None)
