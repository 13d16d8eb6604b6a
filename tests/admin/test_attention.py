"""What the overview says needs attention: each thing once, and not what is as it should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pytest

from wxbot.admin import attention
from wxbot.admin.overview_words import WORDS
from wxbot.admin.visit import Words
from wxbot.analytics.shapes import Gap, GapDay, Of, Overview, Period, Suspect, Totals
from wxbot.qrcodes.meter import Usage

TODAY = date(2026, 11, 19)
LANGUAGES = ("zh", "en")


@dataclass
class Reader:
    """A visit, as far as what needs attention asks for it."""

    t: Words
    account: str = "default"
    accounts: tuple[str, ...] = ("default",)

    def url(self, endpoint: str, **values: str) -> str:
        return f"{endpoint}?{values}"


def read(
    language: str,
    *,
    suspects: Sequence[Suspect] = (),
    gap: Gap | None = None,
    accounts: tuple[str, ...] = ("default",),
) -> list[str]:
    """Return what is said in a language."""
    words = Words({name: texts[LANGUAGES.index(language)] for name, texts in WORDS.items()})
    overview = Overview(
        period=Period.days(7, TODAY),
        totals=Totals(),
        before=Totals(),
        days=(),
        without_code=Totals(),
        counted_until=None,
        timezone="Asia/Shanghai",
        attribution="first",
    )
    seen = attention.Seen(
        now=0,
        latest_event=None,
        overview=overview,
        jobs={},
        numbers=Usage(account="default", taken=0, quarantined=0),
        channels=(),
        suspects=suspects,
        gap=gap or Gap(days=()),
    )
    return [each.text for each in attention.items(Reader(words, accounts=accounts), seen)]  # type: ignore[arg-type]


def missed(follows: int, *, days_match: bool = True) -> Gap:
    ours = {"follows": 0, "scanned": 0, "unfollows": 0}
    day = GapDay(date=TODAY, follows_wechat=follows, scanned_wechat=0, unfollows_wechat=0, **ours)
    return Gap(days=(day,), days_match=days_match)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", "近 7 天微信统计的关注比这里多 1,200 次，可能漏收了事件"),
        ("en", "In 7 days WeChat counted 1,200 follows more than arrived here"),
    ],
)
def test_follows_that_wechat_counted_more_are_told(language: str, said: str) -> None:
    assert read(language, gap=missed(1200)) == [said]


def test_gap_is_not_told_where_days_are_not_those_of_wechat() -> None:
    assert read("en", gap=missed(1200, days_match=False)) == read("en", gap=missed(0)) == []


def burst(name: str, count: int) -> Suspect:
    more = {"out_of": 3, "on": TODAY, "minute": 610}
    return Suspect(of=Of("channel", name), title=name, promoter=None, reason="burst", count=count, **more)  # type: ignore[arg-type]


def test_largest_of_each_channel_and_reason_is_told_and_how_many_more_there_are() -> None:
    quick = Suspect(of=Of("channel", "a"), title="a", promoter=None, reason="quick", count=10, out_of=20)
    some = [*(burst(name, 90 - number) for number, name in enumerate("abcdefg")), burst("a", 30), quick]

    told = read("en", suspects=some)

    assert (
        told[0] == "a: 90 new followers within ten minutes from 2026-11-19 10:10; a usual day brings about 3"
    )
    assert [line[0] for line in told[:-1]] == ["a", "b", "c", "d", "e"]
    assert told[-1] == "3 more like these; wxbot stats suspects --days 7 lists them"


def test_command_that_lists_suspects_names_the_account_where_there_are_several() -> None:
    some = [burst(name, 30) for name in "abcdef"]

    told = read("zh", suspects=some, accounts=("default", "second"))

    assert told[-1] == "还有 1 条类似情况，用 wxbot stats suspects --days 7 --account default 可以列出"
