"""Which days a page is about: the last so many, or from one date to another, as the address says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from wxbot.analytics.shapes import EARLIEST, Period

USUAL = (1, 7, 30, 90)
_DEFAULT = 30
# What a chart can show, and more than two years to compare.
LONGEST_DAYS = 800


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The period of a page. `days` is one of USUAL, or 0 for two dates; `is_wrong`: they cannot be."""

    period: Period
    days: int
    is_wrong: bool = False

    @property
    def query(self) -> dict[str, str]:
        """Return the part of an address that asks for it."""
        if self.days:
            return {"days": str(self.days)}
        return {"first": self.period.first.isoformat(), "last": self.period.last.isoformat()}


def asked_for(query: Mapping[str, str], today: date, *, default: int = _DEFAULT) -> Asked:
    """Return the period that a query names; the usual one if it names none, or none that can be."""
    usual = Asked(period=Period.days(default, today), days=default)
    if query.get("first") or query.get("last"):
        try:
            first, last = (date.fromisoformat(query.get(name) or "") for name in ("first", "last"))
            period = Period(first=first, last=last)
        except ValueError:
            return Asked(period=usual.period, days=default, is_wrong=True)
        is_wrong = first < EARLIEST or period.length > LONGEST_DAYS
        return (
            Asked(period=usual.period, days=default, is_wrong=True)
            if is_wrong
            else Asked(period=period, days=0)
        )
    days = query.get("days", "")
    if days in map(str, USUAL):
        return Asked(period=Period.days(int(days), today), days=int(days))
    return usual
