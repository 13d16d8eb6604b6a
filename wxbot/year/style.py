"""The kinds of places where codes hang: who scans there, when, and how long they stay."""

from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, kw_only=True)
class Style:
    """A kind of place.

    `share` of all channels are of this kind, `pull` is how many people one of them brings beside the others.
    Of those who follow, `hasty` leave within the hour or so and `leaving` some time later. `habit` is how
    often somebody scans again, `buying` how likely they claim an order or link their account. `hours` and
    `week` (Monday first) are weights; `season` says what holidays do to it.
    """

    slug: str
    group: str
    share: float
    pull: float
    hasty: float
    leaving: float
    habit: float
    buying: float
    hours: tuple[float, ...]
    week: tuple[float, ...]
    season: str

    @property
    def day(self) -> list[float]:
        """The weights of the hours, added up."""
        return list(accumulate(self.hours))


_SHOP = (0.1, 0, 0, 0, 0, 0, 0.2, 0.6, 1.5, 3, 6, 8, 9, 8, 7, 8, 9, 10, 11, 10, 7, 4, 1.2, 0.4)
_MEALS = (0, 0, 0, 0, 0, 0, 0, 0.5, 1, 1, 3, 10, 12, 6, 3, 4, 4, 8, 12, 11, 6, 3, 0.8, 0.2)
_COMMUTE = (0.5, 0.2, 0, 0, 0, 0.3, 2, 9, 12, 6, 3, 3, 4, 3, 3, 3, 4, 8, 12, 9, 5, 4, 3, 1.5)
_EVENING = (2, 0.8, 0.3, 0.1, 0.1, 0.3, 1, 2, 3, 4, 4, 4, 5, 5, 4, 4, 4, 5, 7, 9, 11, 12, 9, 5)
_AFTERNOON = (0, 0, 0, 0, 0, 0, 0, 0.5, 2, 6, 9, 8, 5, 8, 11, 11, 9, 6, 4, 3, 2, 0.5, 0, 0)
_FREE_DAYS = (0.8, 0.8, 0.85, 0.9, 1.15, 1.5, 1.4)
_WORKDAYS = (1.15, 1.15, 1.1, 1.1, 1.2, 0.7, 0.6)
_ALL_DAYS = (1.0, 0.97, 0.97, 1.0, 1.0, 1.05, 1.08)
_WEEKENDS = (0.4, 0.4, 0.5, 0.6, 1.2, 2.4, 2.2)

STYLES = (
    Style(
        slug="shop",
        group="门店",
        share=0.32,
        pull=1.0,
        season="street",
        hasty=0.04,
        leaving=0.28,
        habit=0.9,
        buying=0.10,
        hours=_SHOP,
        week=_FREE_DAYS,
    ),
    Style(
        slug="table",
        group="桌码",
        share=0.22,
        pull=0.6,
        season="street",
        hasty=0.03,
        leaving=0.22,
        habit=1.8,
        buying=0.06,
        hours=_MEALS,
        week=_FREE_DAYS,
    ),
    Style(
        slug="poster",
        group="海报",
        share=0.14,
        pull=0.5,
        season="street",
        hasty=0.08,
        leaving=0.40,
        habit=0.2,
        buying=0.02,
        hours=_COMMUTE,
        week=_WORKDAYS,
    ),
    Style(
        slug="pack",
        group="包装",
        share=0.12,
        pull=1.8,
        season="parcel",
        hasty=0.02,
        leaving=0.20,
        habit=0.7,
        buying=0.22,
        hours=_EVENING,
        week=_ALL_DAYS,
    ),
    Style(
        slug="event",
        group="活动",
        share=0.08,
        pull=14.0,
        season="campaign",
        hasty=0.15,
        leaving=0.58,
        habit=0.1,
        buying=0.03,
        hours=_AFTERNOON,
        week=_WEEKENDS,
    ),
    Style(
        slug="street",
        group="地推",
        share=0.10,
        pull=1.2,
        season="street",
        hasty=0.12,
        leaving=0.48,
        habit=0.1,
        buying=0.02,
        hours=_AFTERNOON,
        week=_FREE_DAYS,
    ),
    Style(
        slug="online",
        group="线上",
        share=0.02,
        pull=5.0,
        season="campaign",
        hasty=0.06,
        leaving=0.36,
        habit=0.3,
        buying=0.05,
        hours=_EVENING,
        week=_ALL_DAYS,
    ),
)
# Who comes without a code: by search, a friend's card, an article.
SEARCH = Style(
    slug="search",
    group="",
    share=0.0,
    pull=0.0,
    season="online",
    hasty=0.05,
    leaving=0.30,
    habit=0.2,
    buying=0.03,
    hours=_EVENING,
    week=_ALL_DAYS,
)
