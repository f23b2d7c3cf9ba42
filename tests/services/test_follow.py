"""A service holds what risk accepted last: at its start, and soon after a change; never what merely lies there."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from config.reload import ConfigFileError, digest_of, read_texts
from config.settings import Settings
from services.wiring import following
from shared.journal import append_event
from tests.config.test_reload import edit, folder

__all__ = ["folder"]
AT = datetime(2026, 6, 15, 15, tzinfo=UTC)


def _settings(where: Path) -> Settings:
    return Settings(_env_file=None, config_folder=where)


async def _accept(pool: asyncpg.Pool, texts: dict[str, str]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await append_event(
            connection, "risk-manager", "config.accepted", AT, {"hash": digest_of(texts), "files": texts}
        )


async def _soon(true: Callable[[], bool]) -> bool:
    for _ in range(100):
        if true():
            return True
        await asyncio.sleep(0.05)
    return False


def _changed(texts: dict[str, str], top: int) -> dict[str, str]:
    return {name: text.replace("execute_top_n: 3", f"execute_top_n: {top}") for name, text in texts.items()}


async def test_what_is_accepted_holds_in_another_process_soon(pool: asyncpg.Pool, folder: Path) -> None:
    async with following(_settings(folder), pool, "trading") as config:
        assert config.current().trading.workflow.execute_top_n == 3
        edit(folder, "trading_config.yaml", "execute_top_n: 3", "execute_top_n: 1")
        await asyncio.sleep(1.3)
        assert config.current().trading.workflow.execute_top_n == 3
        await _accept(pool, read_texts(folder))
        assert await _soon(lambda: config.current().trading.workflow.execute_top_n == 1)


async def test_a_start_holds_what_was_accepted_even_where_the_files_are_broken(
    pool: asyncpg.Pool, folder: Path
) -> None:
    await _accept(pool, _changed(read_texts(folder), 2))
    (folder / "trading_config.yaml").write_text("session: [")
    async with following(_settings(folder), pool, "trading") as config:
        assert config.current().trading.workflow.execute_top_n == 2


async def test_what_this_release_cannot_read_gives_way_to_the_files(pool: asyncpg.Pool, folder: Path) -> None:
    await _accept(pool, dict.fromkeys(read_texts(folder), "retired: 1\n"))
    async with following(_settings(folder), pool, "trading") as config:
        assert config.current().trading.workflow.execute_top_n == 3


async def test_without_either_it_does_not_start(pool: asyncpg.Pool, folder: Path) -> None:
    (folder / "trading_config.yaml").write_text("session: [")
    with pytest.raises(ConfigFileError, match="line"):
        async with following(_settings(folder), pool, "trading"):
            pass


async def test_one_that_cannot_be_used_is_passed_over(pool: asyncpg.Pool, folder: Path) -> None:
    async with following(_settings(folder), pool, "trading") as config:
        texts = read_texts(folder)
        await _accept(pool, {**texts, "trading_config.yaml": "session: ["})
        await asyncio.sleep(1.3)
        assert config.current().trading.workflow.execute_top_n == 3
        await _accept(pool, _changed(texts, 1))
        assert await _soon(lambda: config.current().trading.workflow.execute_top_n == 1)


async def test_risk_follows_nobody(pool: asyncpg.Pool, folder: Path) -> None:
    async with following(_settings(folder), pool, "risk-manager") as config:
        await _accept(pool, _changed(read_texts(folder), 1))
        await asyncio.sleep(1.5)
        assert config.current().trading.workflow.execute_top_n == 3
