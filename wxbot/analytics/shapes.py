"""What figures are handed out as: frozen values, whose meanings are those of docs/analytics.md."""

from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Literal

OfKind = Literal["account", "channel", "group", "promoter", "scene", "none"]
By = Literal["channel", "group", "promoter", "scene"]
Order = Literal[
    "scans", "new", "refollows", "unfollows", "lost", "net", "gone", "staying", "claims", "converted", "quick"
]


# Of which days figures are asked. Official accounts are younger than the first; far beyond the last, numbers
# of days would be those of blocks (wxbot/analytics/units.py).
EARLIEST, LATEST = date(2010, 1, 1), date(2200, 12, 31)


@dataclass(frozen=True, kw_only=True)
class Period:
    """From the first day to the last, both included.

    Raises ValueError when the last is before the first, or after LATEST.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("a period does not end before it begins")
        if self.last > LATEST:
            raise ValueError(f"a period ends by {LATEST}")

    @classmethod
    def days(cls, number: int, today: date) -> "Period":
        """Return so many days, of which today is the last."""
        return cls(first=today - timedelta(days=number - 1), last=today)

    @property
    def length(self) -> int:
        """Return how many days these are."""
        return (self.last - self.first).days + 1

    def before(self) -> "Period":
        """Return as many days, right before these."""
        return Period(first=self.first - timedelta(days=self.length), last=self.first - timedelta(days=1))


@dataclass(frozen=True)
class Of:
    """What figures are about: `account` (all of it), a channel, group, promoter or scene by name, or `none`.

    `none` are follows without a code, and what became of these people.
    """

    kind: OfKind = "account"
    name: str = ""


EVERYTHING = Of()


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What was counted in a period.

    `scanners` is None where people are not told apart: day by day.
    `gone`, `converted`, `quick` and `turning` are of those who were new in the period, whenever it was.
    """

    scans: int = 0
    scanners: int | None = None
    new: int = 0
    refollows: int = 0
    unfollows: int = 0
    lost: int = 0
    claims: int = 0
    gone: int = 0
    converted: int = 0
    quick: int = 0
    turning: int = 0

    @property
    def follows(self) -> int:
        """Return all follows, first ones and later ones."""
        return self.new + self.refollows

    @property
    def net(self) -> int:
        """Return the net growth: new followers, less those who left for the first time."""
        return self.new - self.lost

    @property
    def staying(self) -> int:
        """Return how many of the new follow now."""
        return self.new - self.gone

    def came(self) -> dict[str, int]:
        """Return who came, as lists of channels and promoters tell it."""
        return {"scanners": self.scanners or 0, "new": self.new, "gone": self.gone, "scans": self.scans}

    @property
    def conversion(self) -> float | None:
        """Return those who claimed something as a part of the new; None without new followers."""
        return self.converted / self.new if self.new else None


COUNTED = tuple(field.name for field in fields(Totals) if field.name != "scanners")


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day's figures; its scanners are not told."""

    date: date
    totals: Totals


@dataclass(frozen=True, kw_only=True)
class Overview:
    """An account at a glance: the period, the one before, each day, and what came without a code.

    `counted_until` is the time, in seconds since 1970, up to which events were read; None: nothing yet.
    `timezone` and `attribution` are what the figures were made by.
    """

    period: Period
    totals: Totals
    before: Totals
    days: tuple[Day, ...]
    without_code: Totals
    counted_until: int | None
    timezone: str
    attribution: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a board. `group` and `promoter` are a channel's; of these, `channels` says how many.

    `target` is a promoter's, and `reached` their new followers of all times as a part of it.
    """

    of: Of
    title: str
    totals: Totals
    group: str | None = None
    promoter: str | None = None
    channels: int = 1
    target: int | None = None
    reached: float | None = None


@dataclass(frozen=True, kw_only=True)
class Board:
    """Lines in order, and how many there are behind this page and before it, all together."""

    lines: tuple[Line, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One line of a comparison: the same in two periods."""

    of: Of
    title: str
    totals: Totals
    before: Totals


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several things side by side, in one period and another."""

    period: Period
    against: Period
    lines: tuple[Compared, ...]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Of those who were new early enough to know, how many followed at the end of a later day."""

    days: int
    new: int
    kept: int

    @property
    def share(self) -> float | None:
        """Return the kept as a part of the new; None without any."""
        return self.kept / self.new if self.new else None


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Those who were new within these days. `kept` by number of days; None where it is not known yet."""

    first: date
    last: date
    new: int
    kept: dict[int, int | None]


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Who stays: after one day, seven, thirty; by cohorts; and how long those stayed who left.

    `median_seconds` is told to the step (docs/analytics.md); None when nobody left. `steps` are how many left
    after so many seconds at least and before the next step.
    """

    kept: tuple[Kept, ...]
    cohorts: tuple[Cohort, ...]
    left: int
    median_seconds: int | None
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Scans by weekday, Monday first, and hour: `cells[weekday][hour]`."""

    cells: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class ChannelFigures:
    """All there is about one channel."""

    of: Of
    period: Period
    totals: Totals
    before: Totals
    days: tuple[Day, ...]
    retention: Retention
    hours: Hours


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A channel whose figures may be bought: `count` of `out_of` new followers look like it.

    `quick`: left within ten minutes. `turning`: followed four times and more. `burst`: so many in ten
    minutes, beginning at `minute` of the day `on`, and `out_of` is what a usual day brings.
    """

    of: Of
    title: str
    promoter: str | None
    reason: Literal["quick", "turning", "burst"]
    count: int
    out_of: int
    on: date | None = None
    minute: int | None = None


@dataclass(frozen=True, kw_only=True)
class GapDay:
    """A day by WeChat's count and by ours; what WeChat has more is what was missed."""

    date: date
    follows_wechat: int
    follows: int
    scanned_wechat: int
    scanned: int
    unfollows_wechat: int
    unfollows: int


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The days of a period of which WeChat has told.

    `days_match`: ours begin when WeChat's do, which are those of China; if not, counts differ by that.
    """

    days: tuple[GapDay, ...]
    days_match: bool = True

    @property
    def missed_follows(self) -> int:
        """Return by how much WeChat counted more follows."""
        return sum(day.follows_wechat - day.follows for day in self.days)

    @property
    def missed_scanned(self) -> int:
        """Return by how much WeChat counted more follows by codes: events without their scene, too."""
        return sum(day.scanned_wechat - day.scanned for day in self.days)

    @property
    def missed_unfollows(self) -> int:
        """Return by how much WeChat counted more unfollows."""
        return sum(day.unfollows_wechat - day.unfollows for day in self.days)
