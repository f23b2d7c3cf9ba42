"""What friends receive: a decision with its levels and the time until which it may be acted on."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from shared.domain.base import Value
from shared.domain.news import Catalyst


class Signal(Value):
    """One published decision; `seq` is global and gap-free, `previous_hash` chains it to the one before."""

    seq: int = Field(ge=1)
    signal_id: str
    previous_hash: str
    kind: Literal["entry", "exit"]
    symbol: str
    side: Literal["long", "short"]
    price: Decimal
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    confidence: float = Field(ge=0, le=1)
    catalyst: Catalyst | None = None
    sector: str | None = None
    published_at: datetime
    valid_until: datetime
    max_drift_pct: float = Field(gt=0)
