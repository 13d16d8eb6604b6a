"""Figures: which code brought whom, and who stayed."""

import datetime
import re
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from wxbot.api.models.fields import AccountName, Page, Sent

LONGEST_DAYS = 1100
LARGEST_BOARD = 200
OfKind = Literal["account", "channel", "group", "promoter", "scene", "none"]
By = Literal["channel", "group", "promoter", "scene"]
Order = Literal[
    "scans", "new", "refollows", "unfollows", "lost", "net", "gone", "staying", "claims", "converted", "quick"
]


def _day(value: object) -> object:
    """Refuse a number, which would pass for the days since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("must be a day as in 2026-11-01")
    return value


class PeriodQuery(Sent):
    """Of which days figures are asked for."""

    account: AccountName | None = None
    days: int = Field(30, ge=1, le=LONGEST_DAYS, description="How many days.")
    last: Annotated[datetime.date, BeforeValidator(_day)] | None = Field(
        None,
        description=(
            "The last of them; today unless given. 2010-01-01 stands for all days before it, and 2200-12-31 "
            "for all behind: `period` of the answer says which days are meant."
        ),
    )


class StatsQuery(PeriodQuery):
    """What figures are asked for."""

    of: OfKind = Field("account", description="What is meant; `none`: follows without a code.")
    name: str = Field(
        "",
        max_length=255,
        pattern=r"^[^\x00]*$",
        description="Which channel, group, promoter or scene; nothing for all others.",
    )


class BoardQuery(PeriodQuery):
    """Which board is asked for, and which part of it."""

    by: By = Field("channel", description="What has a line.")
    order: Order = Field("new", description="By which figure, the most first.")
    limit: int = Field(50, ge=1, le=LARGEST_BOARD, description="How many lines at most.")
    after: str | None = Field(
        None,
        max_length=512,
        description=(
            "`next` of the page before. It is a place in the order of that moment: while more is counted, "
            "a line may come twice or not at all."
        ),
    )


class ShownPeriod(BaseModel):
    """From the first day to the last, both included."""

    first: datetime.date
    last: datetime.date
    length: int = Field(description="How many days.")


class ShownOf(BaseModel):
    """What figures are about."""

    kind: OfKind
    name: str


class ShownTotals(BaseModel):
    """What was counted; docs/analytics.md says what each means."""

    scans: int
    scanners: int | None = Field(description="Who scanned, each once; null where people are not told apart.")
    new: int = Field(description="Who followed for the first time ever.")
    refollows: int
    unfollows: int
    lost: int = Field(description="Who left for the first time.")
    claims: int
    gone: int = Field(description="Those of the new who do not follow now.")
    converted: int = Field(description="Those of the new who claimed something.")
    quick: int = Field(description="Those of the new who left within minutes.")
    turning: int = Field(description="Those of the new who follow and leave again and again.")
    follows: int = Field(description="New and returning.")
    net: int = Field(description="New less lost.")
    staying: int = Field(description="Those of the new who follow now.")
    conversion: float | None = Field(description="Converted as a part of the new; null without new.")


class ShownDay(BaseModel):
    """One day."""

    date: datetime.date
    totals: ShownTotals


class ShownStats(BaseModel):
    """Figures of a period, of the period before, and of each day."""

    account: str
    of: ShownOf
    period: ShownPeriod
    totals: ShownTotals
    before: ShownTotals
    days: list[ShownDay]
    counted_until: AwareDatetime | None = Field(
        description="Up to when events were counted; null: nothing yet."
    )
    timezone: str | None = Field(description="By which days begin; null: nothing counted yet.")
    attribution: str | None = Field(
        description="The code that an unfollow or a claim is put down to: of the first follow, or the last."
    )


class ShownKept(BaseModel):
    """Of those who were new early enough to know: who followed at the end of a later day."""

    days: int
    new: int
    kept: int
    share: float | None


class ShownCohort(BaseModel):
    """Those who were new within these days, and how many of them followed later; null: not known yet."""

    first: datetime.date
    last: datetime.date
    new: int
    kept: dict[str, int | None] = Field(description="By the number of days, as text.")


class ShownRetention(BaseModel):
    """Who stays of those who were new in the period."""

    kept: list[ShownKept]
    cohorts: list[ShownCohort]
    left: int
    median_seconds: int | None = Field(description="How long half of those who left had stayed at least.")
    steps: list[tuple[int, int]] = Field(description="After so many seconds at least: so many left.")


class ShownHours(BaseModel):
    """Scans by weekday, Monday first, and hour."""

    cells: list[list[int]]


class ShownLine(BaseModel):
    """A line of a board."""

    of: ShownOf
    title: str
    totals: ShownTotals
    group: str | None
    promoter: str | None
    channels: int
    target: int | None
    reached: float | None = Field(description="All new followers as a part of the target.")


class BoardPage(Page):
    """Some lines of a board, the most first."""

    items: list[ShownLine]
    total: int = Field(description="How many lines there are in all.")


class ShownSuspect(BaseModel):
    """A channel whose new followers look bought: `count` of `out_of` do."""

    of: ShownOf
    title: str
    promoter: str | None
    reason: Literal["quick", "turning", "burst"]
    count: int
    out_of: int
    on: datetime.date | None = Field(description="Of a burst: the day.")
    minute: int | None = Field(description="Of a burst: the minute of the day at which it began.")


class SuspectList(BaseModel):
    """What is suspicious in a period, the most striking first."""

    items: list[ShownSuspect]


class ShownGapDay(BaseModel):
    """A day by WeChat's count and by ours."""

    date: datetime.date
    follows_wechat: int
    follows: int
    scanned_wechat: int
    scanned: int
    unfollows_wechat: int
    unfollows: int


class ShownGap(BaseModel):
    """The days of which WeChat has told, and what was missed in all."""

    days: list[ShownGapDay]
    days_match: bool = Field(
        description="Whether days here begin when WeChat's do, in China; if not, the counts differ by that."
    )
    missed_follows: int
    missed_scanned: int
    missed_unfollows: int
