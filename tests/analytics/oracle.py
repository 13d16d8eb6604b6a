"""The figures once more, by brute force: plain loops over all that ever happened, for every question anew.

Nothing of wxbot.analytics is used here but the shapes of its answers, and the steps in which durations are
told. Days are those of China, which are always eight hours ahead.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median_low

from wxbot.analytics.shapes import Period, Totals
from wxbot.analytics.tally import STEPS

QUICK = 600
SKEW = 60
RANK = {"subscribe": 1, "unsubscribe": 2, "claim": 3, "scan": 4}


@dataclass(frozen=True, order=True)
class Happening:
    """An event or a claim; `person` is a name that changes when they are forgotten."""

    at: int
    rank: int
    key: bytes
    kind: str
    person: str
    scene: str | None

    @property
    def day(self) -> date:
        """Return the day on which it was in China."""
        return (datetime.fromtimestamp(self.at, UTC) + timedelta(hours=8)).date()

    @property
    def hour(self) -> int:
        """Return the hour in which it was in China."""
        return (datetime.fromtimestamp(self.at, UTC) + timedelta(hours=8)).hour

    @property
    def is_scan(self) -> bool:
        """Say whether a code was scanned."""
        return self.kind == "scan" or (self.kind == "subscribe" and self.scene is not None)


class Oracle:
    """Answers from all that happened; `of` says which scenes (None: no code) are meant, None for all."""

    def __init__(self, happened: Iterable[Happening], *, attribution: str, today: date) -> None:
        self._happened = sorted(set(happened))
        self._attribution = attribution
        self._today = today
        self._people: dict[str, list[Happening]] = defaultdict(list)
        for each in self._happened:
            self._people[each.person].append(each)

    def totals(self, period: Period, of: set[str | None] | None = None) -> Totals:
        """Return the figures of a period; people are told apart scene by scene, for all of them once."""

        def counted(which: Callable[[Happening], bool], scene_of: Callable[[Happening], str | None]) -> int:
            return sum(
                1
                for each in self._happened
                if which(each) and within(each.day, period) and (of is None or scene_of(each) in of)
            )

        def own(each: Happening) -> str | None:
            return each.scene

        def cohort(is_so: Callable[[str, Happening], bool]) -> int:
            return sum(is_so(person, new) for person, new in self._new(period, of))

        return Totals(
            scans=counted(lambda each: each.is_scan, own),
            scanners=self._scanners(period, of),
            new=counted(lambda each: each is self._first_ever(each.person), own),
            refollows=counted(
                lambda each: each.kind == "subscribe" and each is not self._first_ever(each.person), own
            ),
            unfollows=counted(lambda each: each.kind == "unsubscribe", self._touch),
            lost=counted(lambda each: each is self._first(each.person, "unsubscribe"), self._touch),
            claims=counted(lambda each: each.kind == "claim", self._touch),
            gone=cohort(lambda person, new: not self._follows(person)),
            converted=cohort(lambda person, new: any(self._claimed_behind(person, new))),
            quick=cohort(lambda person, new: self._stayed(person, new) in range(QUICK + 1)),
            turning=cohort(lambda person, new: len(self._of_kind(person, "subscribe")) >= 4),
        )

    def kept(self, period: Period, days: int, of: set[str | None] | None = None) -> tuple[int, int]:
        """Return who was new early enough, and how many of them followed at the end of the day."""
        new = kept = 0
        for person, first in self._new(period, of):
            end = first.day + timedelta(days=days)
            if end < self._today:
                new += 1
                kept += self._follows(person, until=end)
        return new, kept

    def median(self, period: Period, of: set[str | None] | None = None) -> int | None:
        """Return the median of how long those stayed who left, to the step."""
        stayed = [self._stayed(person, new) for person, new in self._new(period, of)]
        left = [seconds for seconds in stayed if seconds is not None]
        return max(step for step in STEPS if step <= median_low(left)) if left else None

    def hours(self, period: Period, of: set[str | None] | None = None) -> list[list[int]]:
        """Return scans by weekday and hour."""
        cells = [[0] * 24 for _ in range(7)]
        for each in self._happened:
            if each.is_scan and within(each.day, period) and (of is None or each.scene in of):
                cells[each.day.weekday()][each.hour] += 1
        return cells

    def _scanners(self, period: Period, of: set[str | None] | None) -> int:
        scans = [each for each in self._happened if each.is_scan and within(each.day, period)]
        if of is None:
            return len({each.person for each in scans})
        return len({(each.person, each.scene) for each in scans if each.scene in of})

    def _new(self, period: Period, of: set[str | None] | None) -> Iterable[tuple[str, Happening]]:
        for person in self._people:
            new = self._first_ever(person)
            if new is not None and within(new.day, period) and (of is None or new.scene in of):
                yield person, new

    def _first_ever(self, person: str) -> Happening | None:
        """Return the follow with which a person was new: nothing before it tells that they had followed."""
        for each in self._people[person]:
            if each.kind == "subscribe":
                was_there = [
                    other
                    for other in self._people[person]
                    if (other.kind == "unsubscribe" and other < each)
                    or (other.kind == "scan" and other.at < each.at)
                ]
                return None if was_there else each
        return None

    def _first(self, person: str, kind: str) -> Happening | None:
        found = self._of_kind(person, kind)
        return found[0] if found else None

    def _of_kind(self, person: str, kind: str) -> list[Happening]:
        return [each for each in self._people[person] if each.kind == kind]

    def _touch(self, behind: Happening) -> str | None:
        scenes = [
            each.scene for each in self._of_kind(behind.person, "subscribe") if follows_upon(behind, each)
        ]
        if not scenes:
            return None
        return scenes[0] if self._attribution == "first" else scenes[-1]

    def _follows(self, person: str, until: date | None = None) -> bool:
        moves = [
            each
            for each in self._people[person]
            if each.kind in ("subscribe", "unsubscribe") and (until is None or each.day <= until)
        ]
        return bool(moves) and moves[-1].kind == "subscribe"

    def _stayed(self, person: str, new: Happening) -> int | None:
        left = self._first(person, "unsubscribe")
        return None if left is None else left.at - new.at

    def _claimed_behind(self, person: str, new: Happening) -> Sequence[bool]:
        return [follows_upon(each, new) for each in self._of_kind(person, "claim")]


def follows_upon(each: Happening, follow: Happening) -> bool:
    """Say whether something comes behind a follow; the clock of claims may be a minute behind."""
    return each > follow or (each.kind == "claim" and each.at >= follow.at - SKEW)


def within(day: date, period: Period) -> bool:
    """Say whether a day belongs to a period."""
    return period.first <= day <= period.last
