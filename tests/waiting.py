"""Waiting for something to become true, with a bound."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
ATTEMPTS, PAUSE_SECONDS = 600, 0.1


def until(ask: Callable[[], T], *not_yet: type[Exception]) -> T:
    """The first answer of `ask` that raises none of `not_yet`; the last exception after a minute."""
    for _ in range(ATTEMPTS - 1):
        try:
            return ask()
        except not_yet:
            time.sleep(PAUSE_SECONDS)
    return ask()
