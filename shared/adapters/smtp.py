"""The Mailer port on SMTP."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import make_msgid

import aiosmtplib

from config.settings import Settings
from shared.errors import Unavailable


class SmtpMailer:
    """Sends through SMTP_HOST: implicit TLS on port 465, STARTTLS elsewhere when SMTP_TLS is on."""

    def __init__(self, settings: Settings, timeout_seconds: float = 15) -> None:
        self._settings, self._timeout = settings, timeout_seconds

    async def send(self, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
        """Send one mail. Raises Unavailable with the server's own words."""
        settings = self._settings
        message = EmailMessage()
        message["From"] = settings.smtp_from or settings.smtp_username
        message["To"] = ", ".join(to)
        message["Subject"] = subject
        message["Message-ID"] = make_msgid(domain="catalyst.invalid")
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
        implicit = settings.smtp_tls and settings.smtp_port == 465
        try:
            await aiosmtplib.send(
                message,
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username or None,
                password=settings.smtp_password or None,
                use_tls=implicit,
                start_tls=settings.smtp_tls and not implicit,
                timeout=self._timeout,
            )
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Unavailable(f"mail to {', '.join(to)} was not accepted: {error}") from error
