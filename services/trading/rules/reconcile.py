"""Our books beside the broker's. The two of his own disagree for seconds, so a difference must be seen twice."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from services.trading.rules.positions import PositionRow, signed
from shared.domain.position import BrokerPosition, Disagreement

CONFIRM_AFTER = timedelta(seconds=10)


def held_by_us(positions: Iterable[PositionRow]) -> dict[str, int]:
    """Signed shares by symbol, all positions of it together."""
    held: Counter[str] = Counter()
    for position in positions:
        held[position.symbol] += signed(position)
    return {symbol: quantity for symbol, quantity in held.items() if quantity}


def held_at_broker(positions: Iterable[BrokerPosition]) -> dict[str, int]:
    """Whole shares of stocks; whatever else the account holds is not ours to compare."""
    return {position.symbol: position.quantity for position in positions if position.is_equity and position.quantity}


def disagreements(
    ours: Mapping[str, int], theirs: Mapping[str, int], known: Mapping[str, Disagreement], now: datetime
) -> dict[str, Disagreement]:
    """Symbols whose quantities differ. Suspected at first; locked when still so ten seconds later."""
    found = {}
    for symbol in sorted(ours.keys() | theirs.keys()):
        mine, his = ours.get(symbol, 0), theirs.get(symbol, 0)
        if mine == his:
            continue
        before = known.get(symbol)
        since = before.since if before else now
        found[symbol] = Disagreement(
            symbol=symbol, ours=mine, theirs=his, since=since, locked=now - since >= CONFIRM_AFTER
        )
    return found


def next_look(found: Mapping[str, Disagreement]) -> list[datetime]:
    """When suspicions can be confirmed or dropped."""
    return [one.since + CONFIRM_AFTER for one in found.values() if not one.locked]
