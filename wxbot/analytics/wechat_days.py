"""Fetches WeChat's own counts of followers, for the gap between them and ours."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Engine

from wxbot import clock
from wxbot.clock import CHINA
from wxbot.db.figures import wechat_days
from wxbot.db.patience import patiently
from wxbot.db.statements import put
from wxbot.wechat.errcodes import ApiError
from wxbot.wechat.summaries import MOST_DAYS, UserDay

Ask = Callable[[date, date], Sequence[UserDay]]

log = logging.getLogger(__name__)


def fetch(engine: Engine, account: str, ask: Ask, *, now: Callable[[], datetime] = clock.now) -> int:
    """Keep what WeChat counted in the last seven days that are over; returns how many lines that was.

    What it counts is corrected for some days, so each is asked for several times. An account that may not
    ask, or cannot at this moment, has none.
    """
    yesterday = now().astimezone(UTC).astimezone(CHINA).date() - timedelta(days=1)
    try:
        told = ask(yesterday - timedelta(days=MOST_DAYS - 1), yesterday)
    except ApiError as error:
        log.info("account %s: WeChat's own counts could not be had: %s", account, error)
        return 0

    def write(connection: Connection) -> None:
        for line in told:
            key = {"account": account, "day": line.day.toordinal(), "source": line.source}
            put(connection, wechat_days, {**key, "followed": line.followed, "unfollowed": line.unfollowed})

    patiently(engine, write)
    return len(told)
