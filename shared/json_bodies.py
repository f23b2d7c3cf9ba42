"""A body is JSON when it looks like JSON, whatever its Content-Type says: curl's bare `-d` names a form's."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
