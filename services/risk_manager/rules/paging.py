"""Paging: critical alerts are sent again until somebody has seen them, or until their condition is over."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.risk_manager.rules.mail import Alert
from shared.domain.base import Value

PAGES_A_DAY = 20
Words = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=300)]


class AlertView(Alert):
    """An alert as people see it. `pages` counts how often it was sent; `open`: it is still being sent again."""

    pages: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None
    open: bool


class Acknowledgement(Value):
    """Who has seen an alert."""

    by: Annotated[str, Field(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$", max_length=100, examples=["Ann"])]
    note: Annotated[Words, Field(examples=["looking at it"])] = ""


class Acknowledged(Value):
    """What an acknowledgement did: the alerts it covers, and whether this one was acknowledged before."""

    alert: AlertView
    covered: tuple[int, ...]
    already: bool
