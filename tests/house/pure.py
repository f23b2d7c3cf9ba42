"""Which tests are pure: they need no database, no server and no process, so `make quick` may run them.

Found out from the code, so that no list has to be kept: a test is pure when neither it nor one of its fixtures
reaches, through functions and classes of `tests`, `scripts` and the composition root, anything that listens or starts
a process. Fixtures that are built once for many tests (tapes, copies of the tree) take seconds: tests on them are not
pure either. What this reading misses is refused while `pytest -m pure` runs (`guard`).
"""

import sys
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

STARTERS = {
    "subprocess",
    "uvicorn",
    "socket",
    "multiprocessing",
    "socketserver",
    "http.server",
    "aiohttp.web",
    "aiosmtpd",
}
STARTING = {"start_server", "create_server", "create_subprocess_exec", "create_subprocess_shell", "start_unix_server"}
OURS = ("tests", "scripts", "services.__main__", "services.wiring")
REFUSED = {"socket.bind", "socket.connect", "subprocess.Popen", "os.fork", "os.posix_spawn"}


class NotPure(AssertionError):
    """A test that was taken for pure opens a connection or starts a process."""


def is_pure(item: pytest.Item) -> bool:
    """True when the test and all its fixtures stay in this process."""
    test = getattr(item, "function", None)
    if test is None:
        return False
    info = item._fixtureinfo  # type: ignore[attr-defined]  # what pytest will run for it; there is no public name
    fixtures = [one for defined in info.name2fixturedefs.values() for one in defined]
    if any(one.scope != "function" and one.func.__module__.startswith(OURS) for one in fixtures):
        return False
    return not any(starts_something(one) for one in (test, *(one.func for one in fixtures)))


@cache
def starts_something(function: Any) -> bool:
    """Of a test or a fixture; tests with parameters ask hundreds of times."""
    return _starts(function, set())


def _starts(one: Any, seen: set[int]) -> bool:
    if id(one) in seen:
        return False
    seen.add(id(one))
    if isinstance(one, ModuleType):
        return one.__name__ in STARTERS or one.__name__.partition(".")[0] in STARTERS
    if getattr(one, "__module__", None) in STARTERS:
        return True
    function = getattr(one, "__wrapped__", one)
    if not str(getattr(function, "__module__", "")).startswith(OURS):
        return False
    if isinstance(function, type):
        return any(_starts(part, seen) for base in function.__mro__ for part in vars(base).values())
    if isinstance(function, property):
        function = function.fget
    function = getattr(function, "__func__", function)
    return isinstance(function, FunctionType) and _reaches(function, seen)


def _reaches(function: FunctionType, seen: set[int]) -> bool:
    names = set(_names(function.__code__))
    if names & STARTING:
        return True
    scope = function.__globals__
    held = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    named = [scope[name] for name in names if name in scope]
    # `module.function` of one of our own modules, and what is imported inside the function.
    own = [one for one in named if isinstance(one, ModuleType) and one.__name__.startswith(OURS)]
    own += [sys.modules[name] for name in names if name.startswith(OURS) and name in sys.modules]
    inner = [getattr(module, name) for module in own for name in names if hasattr(module, name)]
    return any(_starts(one, seen) for one in (*held, *named, *inner))


def _filled(cell: Any) -> bool:
    try:
        return bool(cell.cell_contents is not None)
    except ValueError:
        return False


def _names(code: CodeType) -> Iterator[str]:
    """Global names, attributes and imports that the code mentions, nested functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def guard() -> None:
    """Refuse from now on what leaves this process. For `pytest -m pure` only: it cannot be undone."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in REFUSED:
            raise NotPure(
                f"a pure test does {event} {arguments[1:2]}: name in tests/house/pure.py what it uses for that"
            )

    sys.addaudithook(refuse)
