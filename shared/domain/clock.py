"""Our clock beside the broker's: how far apart they are, and what may still be done then."""

from datetime import datetime, timedelta

from shared.domain.base import Value

MOST_APART = timedelta(seconds=5)
"""Up to here an offset is used in silence; beyond it nothing is entered and a person is told."""
READINGS_AGREE = timedelta(seconds=2)
CURE = (
    "restart the time synchronisation of this machine (sudo systemctl restart systemd-timesyncd, or sudo chronyc"
    " makestep; under WSL sudo hwclock -s, or wsl --shutdown)"
)


class ClockReading(Value):
    """One comparison. `offset_seconds` is the broker's time less ours (positive: our clock is slow), known to within
    `uncertainty_seconds`, which is half of the time that the question took.
    """

    offset_seconds: float
    uncertainty_seconds: float
    broker_time: datetime
    our_time: datetime

    @property
    def offset(self) -> timedelta:
        return timedelta(seconds=self.offset_seconds)

    @property
    def uncertainty(self) -> timedelta:
        return timedelta(seconds=self.uncertainty_seconds)

    @property
    def in_step(self) -> bool:
        """True unless the clocks are surely further apart than MOST_APART."""
        return abs(self.offset) - self.uncertainty <= MOST_APART

    @property
    def correction(self) -> timedelta:
        """What to add to our clock: nothing where the offset may as well be none."""
        return self.offset if abs(self.offset) > self.uncertainty else timedelta()

    @property
    def words(self) -> str:
        """For people."""
        apart, way = abs(self.offset_seconds), "behind" if self.offset_seconds > 0 else "ahead of"
        return f"our clock is {apart:.1f} s {way} the broker's"


def read_clock(asked: datetime, told: datetime, answered: datetime) -> ClockReading:
    """The broker told its time somewhere between our two: the middle is the best guess."""
    half = max(timedelta(), answered - asked) / 2
    ours = asked + half
    return ClockReading(
        offset_seconds=(told - ours).total_seconds(),
        uncertainty_seconds=half.total_seconds(),
        broker_time=told,
        our_time=ours,
    )


def agree(one: ClockReading, other: ClockReading) -> bool:
    """Whether two readings say the same offset."""
    return abs(one.offset - other.offset) <= READINGS_AGREE + one.uncertainty + other.uncertainty


def stands_still(before: ClockReading, now: ClockReading) -> bool:
    """Whether the broker told an old time again although ours went on: an answer from some store on the way."""
    went_on = now.our_time - before.our_time > READINGS_AGREE + now.uncertainty + before.uncertainty
    return went_on and now.broker_time <= before.broker_time
