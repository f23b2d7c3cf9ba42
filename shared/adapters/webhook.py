"""The Mailer port on a chat room's incoming webhook."""

from collections.abc import Sequence

import httpx

from shared.errors import Unavailable


class WebhookMailer:
    """One JSON POST a message, in the form of Slack and those who copied it; Discord's differs by one key."""

    def __init__(self, url: str, timeout_seconds: float = 10) -> None:
        self._url, self._timeout = url, timeout_seconds
        self._key, self._most = ("content", 2000) if "discord" in url else ("text", 30_000)

    async def send(self, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
        """Raises Unavailable with the reason; the address is a secret and is not told."""
        try:
            async with httpx.AsyncClient(timeout=self._timeout) as http:
                body = {self._key: f"{subject}\n{text}"[: self._most]}
                (await http.post(self._url, json=body, follow_redirects=False)).raise_for_status()
        except httpx.HTTPStatusError as error:
            raise Unavailable(f"the webhook answered {error.response.status_code}") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"the webhook was not reached: {type(error).__name__}") from error
