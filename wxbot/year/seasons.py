"""The year's rhythm: holidays, sales and a campaign, by China's calendar."""

from datetime import UTC, date, datetime, timedelta

from wxbot.year.plan import CHINA_SECONDS, DAY_SECONDS, Plan
from wxbot.year.style import Style

# The first day of the lunar year; a year that is missing here has its dip on the usual day.
_SPRING_FESTIVALS = {
    **{2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6), 2028: (1, 26)},
    **{2029: (2, 13), 2030: (2, 3), 2031: (1, 23), 2032: (2, 11), 2033: (1, 31)},
}
_USUAL = (2, 5)
# How many days before the end the account's own campaign began, and how long it was.
_CAMPAIGN = 47
_CAMPAIGN_DAYS = 4

# What a season does to a kind of place: the factors of street, parcel, online, campaign.
_KINDS = ("street", "parcel", "online", "campaign")
_CLOSED = (0.25, 0.30, 0.60, 0.30)
_GIFTS = (1.25, 1.45, 1.10, 1.20)
_GOLDEN_WEEK = (1.60, 0.90, 1.00, 1.20)
_MIDYEAR = (1.00, 1.70, 1.40, 1.60)
_DOUBLE_11 = (1.40, 4.20, 2.60, 3.00)
_BEFORE_DOUBLE_11 = (1.00, 1.40, 1.30, 1.40)
_OWN_CAMPAIGN = (1.60, 1.50, 2.40, 7.00)
_USUAL_DAY = (1.0, 1.0, 1.0, 1.0)


def day_of(at: int) -> date:
    """Return the day in China at a time in seconds since 1970."""
    return datetime.fromtimestamp(at + CHINA_SECONDS, UTC).date()


def midnight(day: date) -> int:
    """Return when a day begins in China, in seconds since 1970."""
    return (day - date(1970, 1, 1)).days * DAY_SECONDS - CHINA_SECONDS


def days_of(plan: Plan) -> list[date]:
    """Return the days of the year, the first and the last perhaps in part."""
    first, last = day_of(plan.since), day_of(plan.until - 1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def campaign_of(plan: Plan) -> date:
    """Return the first day of the account's own campaign."""
    return day_of(plan.until - 1) - timedelta(days=min(_CAMPAIGN, plan.days // 2))


def factor(plan: Plan, day: date, style: Style) -> float:
    """Return how much more, or less, comes to a kind of place on a day than on any other."""
    kind = _KINDS.index(style.season)
    usual = style.week[day.weekday()] * _season(day)[kind] * _growth(plan, day)
    began = (day - campaign_of(plan)).days
    return usual * (_OWN_CAMPAIGN[kind] if 0 <= began < _CAMPAIGN_DAYS else 1.0)


def _season(day: date) -> tuple[float, ...]:
    month, number = _SPRING_FESTIVALS.get(day.year, _USUAL)
    to_new_year = (day - date(day.year, month, number)).days
    sales = (
        (-4 <= to_new_year <= 8, _CLOSED),
        (-18 <= to_new_year < -4, _GIFTS),
        ((10, 1) <= (day.month, day.day) <= (10, 7), _GOLDEN_WEEK),
        ((6, 16) <= (day.month, day.day) <= (6, 18), _MIDYEAR),
        ((11, 10) <= (day.month, day.day) <= (11, 12), _DOUBLE_11),
        ((11, 1) <= (day.month, day.day) <= (11, 9), _BEFORE_DOUBLE_11),
    )
    return next((factors for is_now, factors in sales if is_now), _USUAL_DAY)


def _growth(plan: Plan, day: date) -> float:
    """The account grows: at the end of the year twice as many come as at its beginning."""
    done = (midnight(day) - plan.since) / (plan.until - plan.since)
    return 0.7 + 0.7 * max(0.0, min(1.0, done))
