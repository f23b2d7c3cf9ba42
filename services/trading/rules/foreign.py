"""What is not ours: what the broker holds, less what our books say. It is never sold unless the setting says so."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from services.trading.rules.positions import PositionRow, signed
from shared.domain.position import BrokerPosition, ForeignHolding


def foreign_of(holdings: Iterable[BrokerPosition], ours: Iterable[PositionRow]) -> dict[str, Decimal]:
    """Foreign quantity by symbol, signed, fractions included; symbols without any are left out."""
    mine = {position.symbol: signed(position) for position in ours}
    left = {one.symbol: one.exact - (mine.get(one.symbol, 0) if one.is_equity else 0) for one in holdings}
    return {symbol: quantity for symbol, quantity in left.items() if quantity}


def listed_foreign(
    holdings: Iterable[BrokerPosition], foreign: Mapping[str, Decimal], since: Mapping[str, datetime], now: datetime
) -> tuple[ForeignHolding, ...]:
    """For people: what of the broker's holdings is not ours, with the broker's own average price."""
    return tuple(
        ForeignHolding(
            symbol=one.symbol,
            asset_class=one.asset_class,
            quantity=foreign[one.symbol],
            average_price=one.average_entry_price,
            since=since.get(one.symbol, now),
        )
        for one in holdings
        if one.symbol in foreign
    )
