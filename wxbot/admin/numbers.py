"""The meter of the permanent numbers: who has which, which of them rest, what one meant before."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, request

from wxbot.admin.area import Area, Go, Page, Visit
from wxbot.admin.asked import asked_text
from wxbot.admin.charts import share_bar
from wxbot.admin.numbers_words import WORDS
from wxbot.admin.scales import percent
from wxbot.channels.channel import Channel
from wxbot.qrcodes.kinds import LARGEST_PERMANENT_NUMBER
from wxbot.qrcodes.meter import WARNING_SHARES
from wxbot.qrcodes.numbers import QUARANTINE_DAYS, NumberRefusedError, Numbers
from wxbot.web.cursors import cursor, cut

_ON_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the pages ask."""

    numbers: Numbers
    channel_of: Callable[[str, str], Channel | None]


def views(parts: Parts) -> Area:
    """Return `/admin/numbers`."""
    area = Area("numbers", words=WORDS)
    area.entry("index", group="work", word="numbers", icon="numbers", order=60)
    _add_list(area, parts.numbers)
    _add_one(area, parts)
    return area


def _add_list(area: Area, numbers: Numbers) -> None:
    @area.get("/numbers")
    def index(visit: Visit) -> Page:
        is_resting = request.args.get("state") == "resting"
        place, sought = visit.before(int), asked_text("number", 6)
        after = int(sought) - 1 if re.fullmatch("[0-9]{1,6}", sought) else 0
        after = after if place is None else place[0]
        found: Sequence[Any] = (numbers.resting if is_resting else numbers.taken_above)(
            visit.account, after=after, limit=_ON_PAGE + 1
        )
        items, last = cut(found, _ON_PAGE)
        usage = numbers.usage(visit.account)
        return Page(
            "admin/numbers.html",
            title=visit.t.numbers,
            usage=usage,
            meter=share_bar(usage.share, visit.t.numbers_used, tone=_tone(usage.share)),
            share=percent(usage.share),
            is_scarce=usage.share >= WARNING_SHARES[0],
            is_resting=is_resting,
            items=items,
            older=None if last is None else cursor(last.number),
            is_later=place is not None or after > 0,
            sought=sought,
        )


def _add_one(area: Area, parts: Parts) -> None:
    numbers = parts.numbers

    @area.get("/numbers/<int:number>")
    def one(visit: Visit, number: int) -> Page:
        _require(number)
        now = numbers.taken_above(visit.account, after=number - 1, limit=1)
        return Page(
            "admin/number.html",
            title=visit.t.number_title.format(number),
            number=number,
            holder=now[0] if now and now[0].number == number else None,
            history=numbers.history(visit.account, number),
            days=QUARANTINE_DAYS,
        )

    @area.post("/numbers/<int:number>/release", role="operator")
    def release(visit: Visit, number: int) -> Go:
        _require(number)
        if channel := parts.channel_of(visit.account, str(number)):
            visit.tell("number_of_a_channel", number, channel.name, tone="bad")
            return Go(visit.url("numbers.one", number=number))
        try:
            meaning = numbers.release(visit.account, number)
        except NumberRefusedError:
            visit.tell("number_not_released", number, tone="warn")
        else:
            visit.audit("number.release", str(number), owner=meaning.owner, purpose=meaning.purpose)
            visit.tell("number_released", number, QUARANTINE_DAYS)
        return Go(visit.url("numbers.one", number=number))


def _require(number: int) -> None:
    if not 1 <= number <= LARGEST_PERMANENT_NUMBER:
        abort(404)


def _tone(share: float) -> str:
    if share >= WARNING_SHARES[1]:
        return "bad"
    return "warn" if share >= WARNING_SHARES[0] else "a"
