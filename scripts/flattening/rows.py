"""The broker's open orders and positions, row by row: whatever a row lacks, no other row is lost by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.domain.order import FINAL_STATUSES

US_EQUITY, NO_SYMBOL = "us_equity", "(no symbol)"


@dataclass(frozen=True)
class Held:
    """A position. `quantity` signed, fractions included; None where the row does not say. `key` closes it."""

    key: str
    symbol: str
    quantity: Decimal | None
    available: Decimal | None
    asset_class: str = US_EQUITY
    value: str | None = None

    @property
    def is_foreign(self) -> bool:
        """No share of a company or fund: an option, a coin."""
        return self.asset_class != US_EQUITY

    @property
    def is_free(self) -> bool:
        """Nothing of it is held back by an order, as far as the row says."""
        return self.quantity is None or self.available is None or abs(self.available) >= abs(self.quantity)


@dataclass(frozen=True)
class Working:
    """An order that is not finished, or a leg of one. `is_odd`: the row lacks what every plain order has."""

    id: str
    symbol: str
    side: str
    type: str
    order_class: str
    status: str
    quantity: Decimal | None
    filled_quantity: Decimal = Decimal(0)

    @property
    def is_odd(self) -> bool:
        return self.symbol == NO_SYMBOL or self.side not in ("buy", "sell") or self.quantity is None

    def __str__(self) -> str:
        return f"{self.side or '?'} {self.type or '?'} {_plain(self.quantity)} {self.symbol}"


@dataclass(frozen=True)
class Unreadable:
    """A row that can neither be cancelled nor closed, for it does not say what it is."""

    what: str
    row: str


def _plain(number: Decimal | None) -> str:
    return "?" if number is None else f"{number.normalize():f}"


def _number(raw: object) -> Decimal | None:
    try:
        found = Decimal(str(raw))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""


def orders_of(raw: list[Any]) -> tuple[tuple[Working, ...], tuple[Unreadable, ...]]:
    """Parents and legs that are not finished, each once; and the rows without an id."""
    found, lost = dict[str, Working](), []
    for row in _with_legs(raw):
        if not isinstance(row, dict) or not _text(row.get("id")):
            lost.append(Unreadable("order", str(row)[:200]))
        elif _text(row.get("status")) not in FINAL_STATUSES:
            found[row["id"]] = _working(row)
    return tuple(found.values()), tuple(lost)


def _with_legs(rows: list[Any]) -> Iterator[Any]:
    for row in rows:
        yield row
        legs = row.get("legs") if isinstance(row, dict) else None
        yield from legs if isinstance(legs, list) else ()


def _working(row: dict[str, Any]) -> Working:
    return Working(
        id=row["id"],
        symbol=_text(row.get("symbol")) or NO_SYMBOL,
        side=_text(row.get("side")),
        type=_text(row.get("type")) or _text(row.get("order_type")),
        order_class=_text(row.get("order_class")) or "simple",
        status=_text(row.get("status")),
        quantity=_number(row.get("qty")),
        filled_quantity=_number(row.get("filled_qty")) or Decimal(0),
    )


def positions_of(raw: list[Any]) -> tuple[tuple[Held, ...], tuple[Unreadable, ...]]:
    """What is held, by symbol; and the rows that name neither a symbol nor an asset."""
    found, lost = list[Held](), []
    for row in raw:
        symbol = _text(row.get("symbol")) if isinstance(row, dict) else ""
        key = symbol.replace("/", "") or (_text(row.get("asset_id")) if isinstance(row, dict) else "")
        if not key:
            lost.append(Unreadable("position", str(row)[:200]))
            continue
        quantity = _number(row.get("qty"))
        if quantity == 0:
            continue
        free, kind = _number(row.get("qty_available", row.get("qty"))), _text(row.get("asset_class")) or US_EQUITY
        value = None if row.get("market_value") is None else str(row["market_value"])
        found.append(Held(key, symbol or key, quantity, free, kind, value))
    return tuple(sorted(found, key=lambda one: one.symbol)), tuple(lost)
