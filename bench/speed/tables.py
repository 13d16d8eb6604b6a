"""A table of figures in two languages."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A title and heads by language, and rows that need none."""

    title: Mapping[str, str]
    heads: Mapping[str, Sequence[str]]
    rows: Sequence[Sequence[str]]


def median_ratio(mine: Sequence[float], base: Sequence[float]) -> float:
    """Return the median of the ratios of the rounds."""
    return statistics.median(one / other for one, other in zip(mine, base, strict=True))
