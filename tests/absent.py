"""What is not there: a service must do its work without it."""


class NoCache:
    """A cache that is gone."""

    async def get(self, key: str) -> bytes | None:
        return None

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        return None

    async def publish(self, stream: str, payload: bytes) -> None:
        return None

    async def take(
        self, budget: str, per_minute: int, cost: int = 1, reserve: int = 0, *, urgent: bool = False
    ) -> float:
        return 0.0

    async def ping(self) -> bool:
        return False
