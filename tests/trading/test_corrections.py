"""What explains that the broker holds something else than our books say."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.trading.rules.corrections import split_of
from tests.trading.test_rules import holding


@pytest.mark.parametrize(
    ("ours", "theirs", "times", "found"),
    [
        (10, 20, "0.5", (1, 2)), (10, 120, "0.083333", (1, 12)), (44, 3, "12", (12, 1)), (36, 1, "36", (36, 1)),
        (10, 11, "0.909091", (10, 11)), (100, 107, "0.934579", (100, 107)), (10, 20, "1", None), (10, 5, "1", None),
        (10, 12, "0.98", None), (10, 11, "0.5", None), (1000, 1, "150", None), (300, 2, "150", (150, 1)),
    ],
)  # fmt: skip
def test_a_split_is_any_ratio_that_shares_and_price_agree_on(
    ours: int, theirs: int, times: str, found: tuple[int, int] | None
) -> None:
    held = holding(quantity=ours, entry_quantity=ours)
    average = (Decimal(100) * Decimal(times)).quantize(Decimal("0.0001"))
    assert split_of([held], theirs, average, held.entry_time + timedelta(days=1)) == found
