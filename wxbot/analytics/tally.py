"""What a person's facts count for: a pure function, so that facts may come late, twice or in any order.

When something new is known of a person, what was known before is taken away and all of it is counted anew.
The definitions are those of docs/analytics.md.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple

from wxbot.analytics.units import Calendar
from wxbot.clock import DAY_SECONDS

Attribution = Literal["first", "last"]

QUICK_SECONDS = 600
TURNING_FOLLOWS = 4
# A claim has the time of the database, a follow that of WeChat, whose clock may be ahead.
SKEW_SECONDS = 60
KEPT_DAYS = (1, 7, 30)
SLOT_MINUTES = 10
_MINUTE, _HOUR, _DAY = 60, 3600, DAY_SECONDS
# How long people stayed is kept in steps: the median is told to the step.
STEPS = (
    0,
    *(minutes * _MINUTE for minutes in (1, 2, 3, 5, 10, 15, 20, 30, 45)),
    *(hours * _HOUR for hours in (1, 2, 3, 4, 6, 8, 12, 18)),
    *(days * _DAY for days in (1, 2, 3, 4, 5, 6, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 730)),
)


class Kind(IntEnum):
    """What a fact tells; of facts in the same second, in this order."""

    FOLLOW = 1
    UNFOLLOW = 2
    CLAIM = 3
    SCAN = 4


class Step(NamedTuple):
    """A follow, unfollow or claim of a person, in the order in which they count."""

    at: int
    kind: int
    key: bytes
    scene: int


# What is counted: in which table, for which scene and day, in which column or at which place.
Mark = tuple[str, int, int, str | int]
Tally = dict[Mark, int]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """By which definitions facts are counted."""

    calendar: Calendar
    attribution: Attribution


class Scenes(NamedTuple):
    """The numbers of an account's scene that stands for everything, and of the one for no code."""

    all: int
    none: int


def add(tally: Tally, marks: Iterable[Mark], sign: int = 1) -> None:
    """Count marks, or take them away again."""
    for mark in marks:
        tally[mark] = tally.get(mark, 0) + sign


def of_history(
    history: Sequence[Step], first_scan_at: int | None, scenes: Scenes, rules: Rules
) -> list[Mark]:
    """Return what the follows, unfollows and claims of one person count for."""
    return _Story(sorted(history), first_scan_at, scenes, rules).marks()


def of_scan(at: int, scene: int, scenes: Scenes, rules: Rules) -> list[Mark]:
    """Return what one scan counts for, whoever it is."""
    clock = rules.calendar.clock(at)
    return [
        mark
        for each in (scene, scenes.all)
        for mark in (("counts", each, clock.day, "scans"), ("hours", each, clock.day, clock.hour))
    ]


def of_days(days: Iterable[int], scene: int) -> list[Mark]:
    """Return what the days count for on which one person scanned a scene."""
    marks: list[Mark] = []
    before = 0
    for day in sorted(days):
        marks.append(("returns", scene, day, before))
        before = day
    return marks


def step_of(seconds: int) -> int:
    """Return the number of the step that a duration falls into."""
    return bisect_right(STEPS, max(seconds, 0)) - 1


class _Story:
    """One person's facts in order."""

    def __init__(
        self, history: Sequence[Step], first_scan_at: int | None, scenes: Scenes, rules: Rules
    ) -> None:
        self._history = history
        self._first_scan_at = first_scan_at
        self._scenes = scenes
        self._rules = rules
        self._follows = [step for step in history if step.kind == Kind.FOLLOW]
        self._moves = [step for step in history if step.kind != Kind.CLAIM]
        self._marks: list[Mark] = []

    def marks(self) -> list[Mark]:
        new = self._new()
        has_left = False
        for step in self._history:
            day = self._rules.calendar.day(step.at)
            if step.kind == Kind.FOLLOW:
                self._count("new" if step is new else "refollows", step.scene, day)
            elif step.kind == Kind.UNFOLLOW:
                self._count("unfollows", self._touch(step), day)
                if not has_left:
                    self._count("lost", self._touch(step), day)
                has_left = True
            else:
                self._count("claims", self._touch(step), day)
        if new is not None:
            self._count_new(new)
        return self._marks

    def _new(self) -> Step | None:
        """Return the first follow, if nothing tells that the person had followed before."""
        if not self._follows:
            return None
        first = self._follows[0]
        was_there = self._moves[0] is not first or (
            self._first_scan_at is not None and self._first_scan_at < first.at
        )
        return None if was_there else first

    def _touch(self, step: Step) -> int:
        """Return the scene that an unfollow or a claim is put down to."""
        before = [follow.scene for follow in self._follows if _is_behind(step, follow)]
        if not before:
            return self._scenes.none
        return before[0] if self._rules.attribution == "first" else before[-1]

    def _count_new(self, new: Step) -> None:
        """Count what became of somebody who was new, on the day on which they were."""
        clock = self._rules.calendar.clock(new.at)
        # Under "last", whoever came back belongs to the code that brought them back; they were new once.
        if new.scene != self._scenes.none:  # nor of all together, who are many in any ten minutes
            slot = (clock.hour * 60 + clock.minute) // SLOT_MINUTES
            self._marks.append(("bursts", new.scene, clock.day, slot))
        left = next((step for step in self._moves if step.kind == Kind.UNFOLLOW), None)
        became = {
            "gone": self._moves[-1].kind == Kind.UNFOLLOW,
            "converted": any(step.kind == Kind.CLAIM and _is_behind(step, new) for step in self._history),
            "quick": left is not None and left.at - new.at <= QUICK_SECONDS,
            "turning": len(self._follows) >= TURNING_FOLLOWS,
            **{f"kept_{days}": self._follows_at_end_of(clock.day + days) for days in KEPT_DAYS},
        }
        for column, is_so in became.items():
            if is_so:
                self._count(column, new.scene, clock.day)
        if left is not None:
            self._add("stays", new.scene, clock.day, step_of(left.at - new.at))

    def _follows_at_end_of(self, day: int) -> bool:
        moves = [step for step in self._moves if self._rules.calendar.day(step.at) <= day]
        return bool(moves) and moves[-1].kind == Kind.FOLLOW

    def _count(self, column: str, scene: int, day: int) -> None:
        self._add("counts", scene, day, column)

    def _add(self, table: str, scene: int, day: int, place: str | int) -> None:
        self._marks += [(table, scene, day, place), (table, self._scenes.all, day, place)]


def _is_behind(step: Step, follow: Step) -> bool:
    """Say whether a step comes behind a follow; a claim does that was made with it, by whatever clock."""
    return step > follow or (step.kind == Kind.CLAIM and follow.at <= step.at + SKEW_SECONDS)
