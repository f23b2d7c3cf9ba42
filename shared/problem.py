"""An error as every service answers it."""

from typing import Any

from fastapi.responses import JSONResponse


def problem(status: int, title: str, detail: str, **extra: Any) -> JSONResponse:
    """An RFC 9457 answer; extras that are None are left out."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body |= {key: value for key, value in extra.items() if value is not None}
    return JSONResponse(body, status, media_type="application/problem+json")
