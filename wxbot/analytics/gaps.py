"""WeChat's own counts beside ours: what it has more was missed, or came without its scene."""

from sqlalchemy import case, func, select

from wxbot.analytics.reading import Reading, as_date, scenes_of, span
from wxbot.analytics.shapes import EVERYTHING, Gap, GapDay, Of, Period
from wxbot.analytics.units import Calendar, unit
from wxbot.clock import CHINA
from wxbot.db.figures import counts, wechat_days

SCANNED = 30  # how WeChat calls those who followed by scanning a code


def gap(reading: Reading, period: Period, calendar: Calendar) -> Gap:
    """Return each day of the period of which WeChat has told, and on which everything could arrive here."""
    begun = _first_day(reading)
    first, last = span(period)
    days_match = all(calendar.has_days_of(CHINA, day) for day in (first, last))
    if begun is None:
        return Gap(days=(), days_match=days_match)
    table = wechat_days.c
    scanned = case((table.source == SCANNED, table.followed), else_=0)
    query = (
        select(table.day, func.sum(table.followed), func.sum(scanned), func.sum(table.unfollowed))
        .where(table.account == reading.account, table.day.between(max(first, begun + 1), last))
        .group_by(table.day)
        .order_by(table.day)
    )
    told = reading.connection.execute(query).all()
    ours = reading.by_day(scenes_of(reading.connection, reading.account, EVERYTHING), period)
    without = reading.by_day(scenes_of(reading.connection, reading.account, Of("none")), period)
    days = []
    for day, follows, by_code, unfollows in told:
        all_of_us, no_code = ours.get(day), without.get(day)
        followed = int(all_of_us.new + all_of_us.refollows) if all_of_us else 0
        days.append(
            GapDay(
                date=as_date(day),
                follows_wechat=int(follows),
                follows=followed,
                scanned_wechat=int(by_code),
                scanned=followed - (int(no_code.new + no_code.refollows) if no_code else 0),
                unfollows_wechat=int(unfollows),
                unfollows=int(all_of_us.unfollows) if all_of_us else 0,
            )
        )
    return Gap(days=tuple(days), days_match=days_match)


def _first_day(reading: Reading) -> int | None:
    """Return the day on which the first event was counted; before its end, nothing could be missed."""
    table = counts.c
    mine = table.edition == reading.edition, table.account == reading.account, table.unit < unit(1, 0)
    first: int | None = reading.connection.execute(select(func.min(table.unit)).where(*mine)).scalar_one()
    return first
