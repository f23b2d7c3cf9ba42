"""Numbers as a person reads them: no more digits than tell them apart, no fewer."""

MOST_DECIMALS = 6
"""As many as scores and margins are rounded to."""


def figures(*values: float) -> tuple[str, ...]:
    """The numbers with decimals in common: none for counts and large amounts, more until those that differ look
    different and none but 0 looks like 0.
    """
    largest = max(map(abs, values), default=0.0)
    counts = all(float(one).is_integer() for one in values) and (largest > 1 or largest == 0)
    for decimals in range(0 if counts or largest >= 1000 else 2 if largest >= 10 else 3, MOST_DECIMALS):
        texts = _with(decimals, values)
        zeros = sum(not text.strip("-0.") for text in texts)
        if len(set(texts)) == len(set(values)) and zeros == values.count(0):
            return texts
    return _with(MOST_DECIMALS, values)


def _with(decimals: int, values: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(f"{one:,.{decimals}f}" for one in values)
