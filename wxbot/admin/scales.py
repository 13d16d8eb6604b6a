"""Scales of charts: round ticks around the values, and numbers as people write them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 5, 10)
_MOST_TICKS = 4


@dataclass(frozen=True)
class Scale:
    """From the lowest to the highest tick; zero is always between them."""

    ticks: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> "Scale":
        """Return the scale of the values, with three to five round ticks."""
        low, high = min([0.0, *values]), max([0.0, *values])
        if low == high:
            return cls((0.0, 1.0))
        rough = (high - low) / _MOST_TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(each * power for each in _STEPS if each * power >= rough * 0.999)
        # Counts have no halves.
        if all(float(each).is_integer() for each in values):
            step = max(step, 1.0)
        first, last = math.floor(low / step), math.ceil(high / step)
        return cls(tuple(round(number * step, 10) for number in range(first, last + 1)))

    def place(self, value: float) -> float:
        """Return where a value is, from 0 at the top to 1 at the bottom."""
        low, high = self.ticks[0], self.ticks[-1]
        return (high - value) / (high - low)


def short(value: float) -> str:
    """Return a number with its thousands set apart, and no more decimals than it needs."""
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def percent(value: float) -> str:
    """Return a part of 1 as per cent."""
    return f"{value * 100:.1f}".removesuffix(".0") + "%"


def spread(labels: Sequence[str], most: int) -> list[str]:
    """Return the first, the last and some between them, at equal distances."""
    if len(labels) <= most:
        return list(labels)
    last = len(labels) - 1
    # As many steps as divide the whole best, so that each stands below its value.
    count = next((each for each in range(most - 1, 2, -1) if last % each == 0), most - 1)
    return [labels[round(last * index / count)] for index in range(count + 1)]
