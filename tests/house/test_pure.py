"""`make quick` runs the tests that are pure: the choice is made from their code, and what it misses is refused."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from scripts.embedded import start_postgres
from scripts.local import LocalSystem
from scripts.tapes.synthesize import synthesize
from tests.house import pure
from tests.news.items import item
from tests.news.street import opened
from tests.serving import served
from tests.test_tidy import ROOT

LISTENS = "import socket; socket.socket().bind(('127.0.0.1', 0))"
STARTS = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''])"
GUARDED = "from tests.house import pure\npure.guard()\n"


async def _listens() -> None:
    await asyncio.start_server(lambda _reader, writer: writer.close())


def _inside() -> None:
    def inner() -> None:
        subprocess.run(["true"], check=True)

    inner()


@pytest.mark.parametrize("function", [start_postgres, LocalSystem, served, opened, _listens, _inside])
def test_what_starts_something_is_seen_through(function: Callable[..., Any]) -> None:
    assert pure.starts_something(function)


@pytest.mark.parametrize("function", [item, synthesize])
def test_what_stays_in_the_process_is_pure(function: Callable[..., Any]) -> None:
    assert not pure.starts_something(function)


def test_a_test_without_fixtures_is_pure(request: pytest.FixtureRequest) -> None:
    # This module's other tests name what starts things; this one does not.
    assert request.node.get_closest_marker("pure")


def test_a_test_on_the_database_is_not(request: pytest.FixtureRequest, pool: asyncpg.Pool) -> None:
    assert not pool.is_closing()
    assert not request.node.get_closest_marker("pure")


@pytest.fixture(scope="module")
def built_once() -> int:
    return 1


def test_a_test_on_what_is_built_once_for_many_is_not(request: pytest.FixtureRequest, built_once: int) -> None:
    assert built_once
    assert not request.node.get_closest_marker("pure")


@pytest.mark.parametrize("text", [LISTENS, STARTS])
def test_what_the_choice_missed_is_refused_while_pure_tests_run(text: str) -> None:
    done = subprocess.run([sys.executable, "-c", GUARDED + text], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a pure test does" in done.stderr
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("quick", "-m pytest -m pure -n 2 --hypothesis-profile=quick"),
        ("thorough", "--hypothesis-profile=thorough"),
        ("dev", 'up --reload "scanner"'),
    ],
)
def test_the_makefile_has_the_everyday_commands(target: str, command: str) -> None:
    shown = ["make", "--no-print-directory", "-n", target, "SERVICE=scanner"]
    assert command in subprocess.run(shown, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_whole_run_prints_the_slowest_tests() -> None:
    assert "make test ARGS=--durations=40" in (ROOT / ".ci/run").read_text()
