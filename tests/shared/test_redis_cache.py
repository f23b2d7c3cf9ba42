"""The cache is a convenience: there it helps, gone it slows nothing and the request budget still holds."""

from scripts.child import free_ports
from shared.adapters.redis_cache import RedisCache


async def test_values_come_back_until_they_expire(redis_url: str) -> None:
    cache = RedisCache(redis_url)
    await cache.set("a", b"1", ttl_seconds=60)
    assert await cache.get("a") == b"1"
    assert await cache.get("b") is None
    assert await cache.ping()
    await cache.publish("stream", b"x")
    await cache.close()


async def test_one_budget_is_shared_and_the_reserve_is_left(redis_url: str) -> None:
    first, second = RedisCache(redis_url), RedisCache(redis_url)
    granted = [await one.take("alpaca", per_minute=10, reserve=4) for one in (first, second) * 3]
    assert granted == [0.0] * 6
    assert 0 < await first.take("alpaca", per_minute=10, reserve=4) <= 60
    assert await second.take("alpaca", per_minute=10) == 0.0
    await first.close()
    await second.close()


async def test_with_redis_gone_everything_answers_at_once_as_if_empty() -> None:
    cache = RedisCache(f"redis://127.0.0.1:{free_ports(1)[0]}/0")
    await cache.set("a", b"1", ttl_seconds=60)
    assert [await cache.get("a") for _ in range(100)] == [None] * 100
    await cache.publish("stream", b"x")
    assert not await cache.ping()
    granted = [await cache.take("alpaca", per_minute=40) for _ in range(11)]
    assert granted[:10] == [0.0] * 10
    assert granted[10] > 0
    await cache.close()


async def test_with_redis_gone_exits_may_use_the_whole_budget_and_entries_a_quarter() -> None:
    cache = RedisCache(f"redis://127.0.0.1:{free_ports(1)[0]}/0")
    entries = [await cache.take("alpaca-trading", per_minute=200, reserve=40) for _ in range(41)]
    assert entries.count(0.0) == 40
    exits = [await cache.take("alpaca-trading", per_minute=200, urgent=True) for _ in range(161)]
    assert exits[:160] == [0.0] * 160
    assert exits[160] > 0
    await cache.close()
