"""A body is JSON when it looks like JSON, whatever its Content-Type says: curl's bare `-d` names a form's.

Text that no database takes is refused at the door: control characters, and halves of characters (surrogates).
"""

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.problem import problem

BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
BLANK = b" \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
STARTS = (b"{", b"[", b'"')
JSON_TYPE = (b"content-type", b"application/json")


class JsonBodies:
    """ASGI middleware: names a JSON body JSON, and takes a body of blanks for none.

    It opens nothing to web pages: those that send without asking first are refused by their Origin (see Gate).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in BODILESS:
            await self.app(scope, receive, send)
            return
        first = await _first_part(receive)
        if first.get("body", b"").removeprefix(BYTE_ORDER_MARK).lstrip(BLANK).startswith(STARTS):
            others = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-type"]
            scope = {**scope, "headers": [*others, JSON_TYPE]}
        unread = [first]

        async def receive_again() -> Message:
            return unread.pop() if unread else await receive()

        await self.app(scope, receive_again, send)


async def _first_part(receive: Receive) -> Message:
    """The first part of the body that holds more than blanks; an empty last one when none does."""
    while True:
        message = await receive()
        if message["type"] != "http.request" or message.get("body", b"").strip(BLANK):
            return message
        if not message.get("more_body", False):
            return {"type": "http.request", "body": b"", "more_body": False}


UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""Tabs and line breaks are text."""
HINT = re.compile(rb"\\u(00[01]|d[89a-f])|[\x00-\x08\x0b\x0c\x0e-\x1f]|\\[bf]", re.IGNORECASE)
"""Without one of these a body holds no such text, and is not looked into."""
ALWAYS_DONE = ("/emergency-stop", "/close-all", "/close")
"""Routes whose words keep nothing from being done: there the character is replaced instead."""
READ_AS_GIVEN = ("/classify",)
"""Routes that read texts as they were found, dirt and all, and keep none of them."""
CURE = "leave it out"


class PlainText:
    """ASGI middleware: 422 for such text in a path, a query or a JSON body, with the cure."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        query = unquote_to_bytes(scope.get("query_string", b"")).decode("utf-8", "replace")
        for name, text in (("path", scope["path"]), ("query", query)):
            if (found := UNSAFE.search(text)) is not None:
                await _refuse(name, found[0])(scope, receive, send)
                return
        if scope["path"].endswith(READ_AS_GIVEN):
            await self.app(scope, receive, send)
            return
        messages = await _whole(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        if HINT.search(body) and (odd := _odd_text(body)) is not None:
            if not scope["path"].endswith(ALWAYS_DONE):
                await _refuse(*odd)(scope, receive, send)
                return
            body = json.dumps(_cleaned(json.loads(body))).encode()
            length = (b"content-length", str(len(body)).encode())
            others = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
            scope = {**scope, "headers": [*others, length]}
            messages = [{"type": "http.request", "body": body, "more_body": False}]
        left = iter(messages)

        async def receive_again() -> Message:
            message = next(left, None)
            return message if message is not None else await receive()

        await self.app(scope, receive_again, send)


async def _whole(receive: Receive) -> list[Message]:
    """The messages up to the end of the body, or to the client's leaving."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _odd_text(body: bytes) -> tuple[str, str] | None:
    """The field of a JSON body that holds such a character, and the character; `body` where it is in no field's value.
    None of a body that is not JSON, which is refused elsewhere.
    """
    try:
        value = json.loads(body)
        fields = value.items() if isinstance(value, dict) else [("body", value)]
        for name, one in fields:
            if found := UNSAFE.search("\n".join([name, *_walk(one)])):
                return "body" if UNSAFE.search(name) else name, found[0]
    except (ValueError, RecursionError):
        return None
    return None


def _walk(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in (key, *_walk(one))]
    return [text for one in value for text in _walk(one)] if isinstance(value, list) else []


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return UNSAFE.sub("?", value)
    if isinstance(value, dict):
        return {UNSAFE.sub("?", key): _cleaned(one) for key, one in value.items()}
    return [_cleaned(one) for one in value] if isinstance(value, list) else value


def _refuse(where: str, character: str) -> Any:
    kind = "half of a character" if character >= "\ud800" else "control character"
    detail = f"the {where} holds the {kind} U+{ord(character):04X}: {CURE}"
    return problem(422, "bad input", detail, field=where)
