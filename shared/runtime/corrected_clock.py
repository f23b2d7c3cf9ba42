"""A clock with a correction that is set while it runs."""

from datetime import datetime, timedelta

from shared.ports import Clock


class CorrectedClock:
    """The Clock port: what `source` says, plus `correction`."""

    def __init__(self, source: Clock) -> None:
        self.source = source
        self.correction = timedelta()

    async def now(self) -> datetime:
        return await self.source.now() + self.correction

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        """As the port says. A correction that changes meanwhile moves no sleeper: he looks at the time again."""
        woken = await self.source.sleep_until(when - self.correction, or_trade_update=or_trade_update)
        return woken + self.correction
