"""WeChat's own counts come into the table, and stand beside ours."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.analytics.worlds import ACCOUNT, DAY, START, World
from wxbot.analytics import wechat_days
from wxbot.analytics.counting import Counting
from wxbot.analytics.figures import Figures, Period
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import World as Platform
from wxbot.settings.model import AnalyticsSettings
from wxbot.wechat.api import ApiAccount, ApiClient
from wxbot.wechat.errcodes import ApiError
from wxbot.wechat.summaries import UserDay

MONDAY = date(2026, 1, 5)
TUESDAY_NOON = datetime(2026, 1, 6, 4, tzinfo=UTC)


class Token:
    """The token that the emulated platform gave out."""

    def __init__(self, text: str) -> None:
        self._text = text

    def current(self) -> str:
        return self._text

    def refused(self, _token: str) -> str:
        raise AssertionError("the token is good")


@pytest.fixture
def platform() -> Platform:
    """Return a platform at noon in China: no day ends while a test is under way."""
    platform = Platform(has_people=False)
    since = (datetime.now(UTC) - datetime(2000, 1, 1, 4, tzinfo=UTC)) % timedelta(days=1)
    platform.clock.offset_seconds = (timedelta(days=1) - since).total_seconds()
    return platform


@pytest.fixture
def client(platform: Platform) -> Iterator[ApiClient]:
    with run_emulator(platform) as running:
        account = ApiAccount(name=ACCOUNT, appid=platform.account.appid, secret="s", api_base=running.url)
        text, _ = platform.tokens.issue_stable(platform.clock.now(), is_forced=False)
        yield ApiClient(account, token=Token(text))


def told(day: date, source: int, followed: int, unfollowed: int = 0) -> UserDay:
    return UserDay(day=day, source=source, followed=followed, unfollowed=unfollowed)


def figures_of(engine: Engine) -> Figures:
    settings = AnalyticsSettings()
    Counting(engine, settings, now=lambda: TUESDAY_NOON, rest=0).count_all()
    return Figures(engine, settings, now=lambda: TUESDAY_NOON)


def test_what_was_missed_is_what_wechat_counted_more(engine: Engine, world: World) -> None:
    world.happen("subscribe", "first", START - DAY, recorded_at=START)
    world.happen("subscribe", "Ailin", START, "door", recorded_at=START)
    world.happen("subscribe", "Bo", START + 60, None, recorded_at=START)
    world.happen("unsubscribe", "Bo", START + DAY, recorded_at=START)
    lines = [told(MONDAY, 30, 2), told(MONDAY, 0, 1, 3)]

    kept = wechat_days.fetch(engine, ACCOUNT, lambda first, last: lines, now=lambda: TUESDAY_NOON)
    gap = figures_of(engine).gap(ACCOUNT, Period.days(7, MONDAY + timedelta(days=1)))

    assert kept == 2
    [day] = gap.days  # of Tuesday, WeChat has not told yet
    assert (day.date, day.follows_wechat, day.follows) == (MONDAY, 3, 2)
    assert (gap.missed_follows, gap.missed_scanned, gap.missed_unfollows) == (1, 1, 3)


def test_what_wechat_counted_before_the_first_event_was_not_missed(engine: Engine, world: World) -> None:
    lines = [told(MONDAY - timedelta(days=days), 30, 500) for days in range(3)]
    wechat_days.fetch(engine, ACCOUNT, lambda first, last: lines, now=lambda: TUESDAY_NOON)
    week = Period.days(7, MONDAY + timedelta(days=1))

    before = figures_of(engine).gap(ACCOUNT, week)
    world.happen("subscribe", "Ailin", START, "door", recorded_at=START)
    afterwards = figures_of(engine).gap(ACCOUNT, week)

    assert before.days == afterwards.days == ()


@pytest.mark.parametrize(
    ("timezone", "is_same"), [("Asia/Shanghai", True), ("Asia/Singapore", True), ("Europe/Berlin", False)]
)
def test_gap_says_whether_days_here_are_those_of_china(engine: Engine, timezone: str, is_same: bool) -> None:
    settings = AnalyticsSettings(timezone=timezone)
    Counting(engine, settings, now=lambda: TUESDAY_NOON, rest=0).count_all()

    gap = Figures(engine, settings).gap(ACCOUNT, Period.days(7, MONDAY))

    assert gap.days_match is is_same


def test_counts_that_wechat_corrects_take_the_place_of_the_former(engine: Engine, world: World) -> None:
    world.happen("subscribe", "first", START - DAY, recorded_at=START)
    for followed in (2, 5):
        wechat_days.fetch(
            engine, ACCOUNT, lambda *_, n=followed: [told(MONDAY, 30, n)], now=lambda: TUESDAY_NOON
        )

    gap = figures_of(engine).gap(ACCOUNT, Period(first=MONDAY, last=MONDAY))

    assert gap.missed_scanned == 5


def test_account_that_may_not_ask_has_no_counts(engine: Engine) -> None:
    def refuse(*_: Any) -> list[UserDay]:
        raise ApiError(48001, call="getusersummary", advice="not for this account")

    assert wechat_days.fetch(engine, ACCOUNT, refuse) == 0


@pytest.mark.sqlite_only
def test_platform_tells_of_days_that_are_over(engine: Engine, platform: Platform, client: ApiClient) -> None:
    noon = platform.clock.offset_seconds
    platform.clock.offset_seconds = noon - DAY
    day = (datetime.fromtimestamp(platform.clock.now(), UTC) + timedelta(hours=8)).date()
    ailin, bo = (platform.add_person(name).openid for name in ("Ailin", "Bo"))
    platform.become(ailin, "following", code=platform.mint("door"))
    platform.become(bo, "following")
    platform.become(bo, "left")
    platform.clock.offset_seconds = noon

    lines = client.user_summary(day - timedelta(days=1), day)

    assert sorted(lines, key=lambda line: line.source) == [
        told(day, 0, 1, 1),
        told(day, 30, 1),
    ]


@pytest.mark.sqlite_only
def test_platform_refuses_today_and_more_than_seven_days(client: ApiClient, platform: Platform) -> None:
    today = (datetime.fromtimestamp(platform.clock.now(), UTC) + timedelta(hours=8)).date()

    for first, last in ((today, today), (today - timedelta(days=8), today - timedelta(days=1))):
        with pytest.raises(ApiError) as caught:
            client.user_summary(first, last)
        assert caught.value.errcode == 61501
