"""What an answer between services means, and when a call is made again: the same for every form of the Calls port."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from shared import errors

T = TypeVar("T")
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
_BY_STATUS: dict[int, type[errors.CatalystError]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    422: errors.BadInput,
    503: errors.Unavailable,
    504: errors.OutcomeUnknown,
}
_adapters: dict[Any, TypeAdapter[Any]] = {}


def typed_answer(service: str, path: str, status: int, body: bytes, answer: type[T]) -> T:
    """The answer as its type. Raises the error that the status means; Unavailable for a body of another form."""
    if not 200 <= status < 300:
        raise _error_of(service, status, body)
    if answer not in _adapters:
        _adapters[answer] = TypeAdapter(answer)
    try:
        typed: T = _adapters[answer].validate_json(body)
    except ValidationError as error:
        raise errors.Unavailable(f"{service} answered {path} in another form: {error.errors()[0]}") from error
    return typed


async def until_answered(once: Callable[[], Awaitable[T]], *, deadline: float, repeatable: bool) -> T:
    """The result of `once`, made again while it raises Unavailable, until `deadline` seconds have passed.

    After OutcomeUnknown only a `repeatable` call is made again.
    """
    loop, pause = asyncio.get_running_loop(), FIRST_PAUSE_SECONDS
    give_up = loop.time() + deadline
    while True:
        try:
            return await once()
        except errors.Unavailable as error:
            lost = isinstance(error, errors.OutcomeUnknown)
            if loop.time() + pause > give_up or (lost and not repeatable):
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _error_of(service: str, status: int, answered: bytes) -> errors.CatalystError:
    """The error that an answer's status means."""
    try:
        problem = orjson.loads(answered)
    except ValueError:
        problem = {}
    detail = f"{service}: {problem.get('detail') or answered[:200].decode(errors='replace') or status}"
    field = problem.get("field")
    if status == 409:
        return errors.NotNow(detail, possible_at=problem.get("possible_at"), field=field)
    if status == 502:
        return errors.BrokerRefused(detail, status=502, code=None)
    kind = _BY_STATUS.get(status, errors.Unavailable if status >= 500 else errors.BadInput)
    return kind(detail, field=field)
