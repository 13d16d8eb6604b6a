"""How a figure compares with the period before: in per cent, and whether that is good."""

from dataclasses import dataclass

from wxbot.admin.periods import Asked
from wxbot.admin.visit import Words
from wxbot.analytics.shapes import Totals

# Fewer of these are better.
_UNWANTED = frozenset({"unfollows", "lost", "gone", "quick", "turning"})
_LARGEST_PERCENT = 999


@dataclass(frozen=True, kw_only=True)
class Change:
    """A figure, and its change: `tone` is up (good), down (bad) or empty.

    `is_against`: the text is a difference, and wants to hear from what.
    """

    key: str
    value: float
    text: str
    tone: str
    is_against: bool = True


def change(key: str, now: Totals, before: Totals, t: Words) -> Change:
    """Return a figure of two periods, named as a field of Totals."""
    value, former = getattr(now, key) or 0, getattr(before, key) or 0
    if value == former:
        return Change(key=key, value=value, text=t.as_before, tone="", is_against=False)
    is_good = (value > former) != (key in _UNWANTED)
    tone = "up" if is_good else "down"
    if former == 0:
        return Change(key=key, value=value, text=t.was_zero, tone=tone, is_against=False)
    return Change(key=key, value=value, text=_told(value, former), tone=tone)


def against(asked: Asked, t: Words) -> str:
    """Return in words what a period is compared with."""
    length = asked.period.length
    if length > 1:
        return t.against_before.format(length)
    return t.against_yesterday if asked.days == 1 else t.against_day_before


def _told(value: float, former: float) -> str:
    if former < 0:
        return f"{value - former:+,}".replace("-", "−")
    percent = (value - former) / former * 100
    if percent > _LARGEST_PERCENT:
        return f"×{value / former:,.0f}"
    return f"{percent:+.1f}%".replace("-", "−")
