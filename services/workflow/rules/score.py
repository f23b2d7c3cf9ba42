"""The composite score: news, technical, momentum and volume, weighted."""

from collections.abc import Mapping

PARTS = ("news", "technical", "momentum", "volume")


def redistribute(weights: Mapping[str, float], parts: Mapping[str, float | None]) -> dict[str, float]:
    """Weights that add up to 1 over the parts that are there, in their old proportions; 0 for a missing one."""
    present = [name for name in weights if parts.get(name) is not None]
    total = sum(weights[name] for name in present)
    if total <= 0:
        return {name: (1 / len(present) if name in present else 0.0) for name in weights}
    return {name: (weights[name] / total if name in present else 0.0) for name in weights}


def composite(weights: Mapping[str, float], parts: Mapping[str, float | None]) -> float:
    """The weighted mean of the parts that are there, in [0, 1] to six decimals; 0 when none is."""
    shares = redistribute(weights, parts)
    total = sum(shares[name] * value for name in weights if (value := parts.get(name)) is not None)
    return round(min(1.0, max(0.0, total)), 6)


def missing(parts: Mapping[str, float | None]) -> tuple[str, ...]:
    """The parts that had to be left out."""
    return tuple(name for name in PARTS if parts.get(name) is None)
