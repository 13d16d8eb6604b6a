"""A table of figures in two languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A title and heads by language, and rows that need none."""

    title: Mapping[str, str]
    heads: Mapping[str, Sequence[str]]
    rows: Sequence[Sequence[str]]
