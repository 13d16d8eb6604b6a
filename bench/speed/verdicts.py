"""The figures that the project holds itself to: a floor, which must hold, and an aim."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.speed import candidates as known
from bench.speed.candidates import STORE_NAMES, Store
from bench.speed.rounds import CONNECTIONS, Run


@dataclass(frozen=True)
class Target:
    """One figure: `name` over `base`, how much it has to be at least, and how much it is to be."""

    name: str
    base: str
    floor: float
    aim: float


@dataclass(frozen=True)
class Verdict:
    """What was measured of a target: the ratios of the rounds, none where a side of it was not measured."""

    target: Target
    ratios: Sequence[float] = ()

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.ratios)

    @property
    def word(self) -> str:
        """Where it stands."""
        if not self.ratios:
            return "missing"
        if min(self.ratios) < self.target.floor < max(self.ratios):
            return "undecided"
        if self.ratio >= self.target.aim:
            return "aim"
        return "floor" if self.ratio >= self.target.floor else "below"


def _named(program: str, store: Store = "sqlite", *, safe: bool = False) -> str:
    return f"{program}, {STORE_NAMES[store]}{', safe' if safe else ''}"


_POSTGRESQL = _named(known.WXBOT, "postgresql")
_GRANIAN = _named(known.WXBOT_GRANIAN)
TARGETS = (
    Target(known.SHIPPED, known.TEXTBOOK, 0.8, 1.0),
    Target(known.SHIPPED, _named(known.NAIVE), 1.5, 2.0),
    Target(known.SHIPPED, known.WEROBOT, 5.0, 7.0),
    Target(_named(known.WXBOT, safe=True), f"{known.TEXTBOOK}, safe", 0.8, 1.1),
    Target(_POSTGRESQL, known.TEXTBOOK, 0.6, 0.9),
    Target(_POSTGRESQL, _named(known.NAIVE, "postgresql"), 1.5, 2.0),
    Target(_GRANIAN, known.TEXTBOOK, 1.8, 3.0),
    Target(_GRANIAN, known.CO_WECHAT, 1.0, 2.0),
)
# With a disk whose fsync takes 5 ms more.
SLOW_TARGETS = (Target(known.SHIPPED, _named(known.NAIVE), 4.0, 8.0),)
START_SECONDS = (3.0, 1.0)
MEGABYTES = (60.0, 45.0)


def verdicts(run: Run, targets: Sequence[Target]) -> list[Verdict]:
    """Return what a run says of the targets."""
    found = []
    for target in targets:
        mine, base = run.find(target.name, CONNECTIONS), run.find(target.base, CONNECTIONS)
        found.append(Verdict(target, () if mine is None or base is None else mine.ratios(base)))
    return found


def below(value: float, limits: tuple[float, float]) -> str:
    """Return where a figure stands that is to be small."""
    return "aim" if value < limits[1] else "floor" if value < limits[0] else "below"
