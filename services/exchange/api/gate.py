"""ASGI middleware in front of the Alpaca routes: keys as Alpaca asks for them, and the count of the work done."""

import time

from fastapi import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.exchange.api.wire import answer
from services.exchange.flow import Load

NGINX_401 = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n</html>\r\n"
KEYED = ("/v1/", "/v2/", "/v1beta1/", "/v3/")


def refusal(scope: Scope) -> Response | None:
    """401 in HTML without keys, in JSON with empty ones; any other pair is an account of its own."""
    headers = dict(scope["headers"])
    key, secret = headers.get(b"apca-api-key-id"), headers.get(b"apca-api-secret-key")
    if key is None or secret is None:
        return Response(NGINX_401, 401, media_type="text/html")
    if not key.strip() or not secret.strip():
        return answer({"message": "unauthorized."}, 401)
    return None


class AlpacaGate:
    """Counts requests and the wall seconds spent on them, the control plane left out."""

    def __init__(self, app: ASGIApp, load: Load) -> None:
        self.app, self.load = app, load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(KEYED):
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        try:
            await (refusal(scope) or self.app)(scope, receive, send)
        finally:
            self.load.requests += 1
            self.load.busy_seconds += time.perf_counter() - started
