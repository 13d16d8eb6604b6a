"""WeChat's statistics: how many followed and unfollowed on each day that is over, by how they came."""

from datetime import date, datetime, timedelta, timezone

from flask import Blueprint

from wxbot.emulator.calling import Answer, calls_below, check_token, check_verified, json_body
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.world import World

CHINA = timezone(timedelta(hours=8))
MOST_DAYS = 7


def datacube_face(world: World) -> Blueprint:
    """Return the statistics of a world as a blueprint."""
    return calls_below("/datacube", world, {"getusersummary": lambda: read_user_summary(world)})


def read_user_summary(world: World) -> Answer:
    """POST getusersummary: up to seven days, the last of which is yesterday at most."""
    check_token(world)
    asked = json_body()
    check_verified(world)
    first, last = (_date(asked.get(name)) for name in ("begin_date", "end_date"))
    yesterday = datetime.fromtimestamp(world.clock.now(), CHINA).date() - timedelta(days=1)
    if not first <= last <= yesterday or (last - first).days >= MOST_DAYS:
        raise Refusal(61501)
    lines: dict[tuple[date, int], dict[str, int]] = {}
    for at, source, is_follow in world.moves:
        day = datetime.fromtimestamp(at, CHINA).date()
        if first <= day <= last:
            line = lines.setdefault((day, source), {"new_user": 0, "cancel_user": 0})
            line["new_user" if is_follow else "cancel_user"] += 1
    return {
        "list": [
            {"ref_date": day.isoformat(), "user_source": source, **numbers}
            for (day, source), numbers in sorted(lines.items())
        ]
    }


def _date(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise Refusal(61500) from None
