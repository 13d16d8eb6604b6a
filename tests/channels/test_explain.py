"""What `wxbot explain` says about a scene that a channel has."""

import pytest

from wxbot.channels.answers import with_channel
from wxbot.channels.channel import Channel
from wxbot.scenes.explain import Candidate, Explanation
from wxbot.scenes.rules import When
from wxbot.wechat.replies import Text

pytestmark = pytest.mark.sqlite_only  # no database is asked

RULE = Candidate("shop-<int:n>", "shops.shop", "shops.py:3", True, "answers: captures n = 1")
OTHER = Candidate("vip", "shops.vip", "shops.py:9", False, "is another text")
FALLBACK = Candidate("(fallback)", "shops.rest", "shops.py:20", True, "answers: no rule takes the scene")
HELLO = Text("hello")


def channel(**details: object) -> Channel:
    times = {"created_at": 0, "changed_at": 0}
    return Channel(account="default", name="shop-1", scene="shop-1", **times, **details)  # type: ignore[arg-type]


def explained(*candidates: Candidate, by: Channel | None, when: When = "scan") -> Explanation:
    winner = next((each.handler for each in candidates if each.matches), "")
    explanation = Explanation("shop-1", "default", when, winner, candidates)
    return with_channel(explanation, by, at=1000)


def test_scene_without_a_channel_is_as_before() -> None:
    assert explained(OTHER, FALLBACK, by=None).candidates == (OTHER, FALLBACK)


def test_channel_answers_before_the_fallback() -> None:
    found = explained(OTHER, FALLBACK, by=channel(reply=HELLO))

    assert found.winner == "channels.shop-1"
    assert [each.handler for each in found.candidates] == ["shops.vip", "channels.shop-1", "shops.rest"]
    assert [each.reason for each in found.candidates[1:]] == [
        "answers: no handler's rule takes the scene",
        "would answer without the channel",
    ]


def test_rule_answers_before_the_channel() -> None:
    found = explained(RULE, FALLBACK, by=channel(reply=HELLO))

    assert found.winner == "shops.shop"
    assert (found.candidates[1].matches, found.candidates[1].reason) == (
        True,
        "counts; a handler's rule answers",
    )


@pytest.mark.parametrize(
    ("by", "when", "reason"),
    [
        (channel(reply=HELLO, starts_at=1001), "scan", "has not begun"),
        (channel(reply=HELLO, ends_at=1000), "scan", "is over"),
        (channel(reply=HELLO, archived_at=1000), "scan", "is archived"),
        (channel(), "follow", "only counts and tags: it has no reply for these people"),
        (channel(reply_new=HELLO), "scan", "only counts and tags: it has no reply for these people"),
    ],
    ids=range(5),
)
def test_channel_that_does_not_answer_says_why(by: Channel, when: When, reason: str) -> None:
    found = explained(OTHER, FALLBACK, by=by, when=when)

    assert (found.winner, found.candidates[1].matches, found.candidates[1].reason) == (
        "shops.rest",
        False,
        reason,
    )


def test_reply_for_new_followers_answers_those_who_follow() -> None:
    assert explained(by=channel(reply_new=HELLO), when="follow").winner == "channels.shop-1"
