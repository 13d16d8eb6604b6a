"""Why a rule takes a scene or not is said in the reader's language, for every reason there is."""

from pathlib import Path

import pytest

from wxbot import Plugin, Scan
from wxbot.admin.reasons import reason_in
from wxbot.scenes.rules import When
from wxbot.testing import Wx

SCENES = (
    *("exact", "2500", "02500", "4000", "n:1", "n:01", "n:", "s:1", f"s:1.{'a' * 22}", "t:1", "t:1:end"),
    *("t:1:", "v:1:x:2", "v:a:x:2", "v:a", "door", "gate", "nothing"),
)


rules = Plugin("rules")


@rules.scene("exact")
@rules.scene(range(2000, 3000))
def plain(scan: Scan) -> str:
    return "hello"


@rules.scene("n:<int:n>")
@rules.scene("s:<signed:n>")
@rules.scene("t:<n>:end")
def with_one(scan: Scan, n: object) -> str:
    return "hello"


@rules.scene("v:<n>:x:<m>")
@rules.scene("v:<int:n>:x:<m>")
def with_two(scan: Scan, n: object, m: str) -> str:
    return "hello"


@rules.scene("door", when="follow")
@rules.scene("gate", when="scan")
def for_some(scan: Scan) -> str:
    return "hello"


@rules.fallback
def otherwise(scan: Scan) -> str:
    return "hello"


@pytest.fixture
def reasons(tmp_path: Path) -> set[str]:
    """Return the reasons that an explanation of these scenes gives."""
    wx = Wx(tmp_path, plugins=[rules])
    whens: tuple[When, ...] = ("scan", "follow")
    explained = [wx.bot.registry.explain(scene, when=when) for scene in SCENES for when in whens]
    wx.close()
    return {each.reason for explanation in explained for each in explanation.candidates}


def test_each_reason_is_said_in_chinese(reasons: set[str]) -> None:
    assert len(reasons) > 20
    assert [each for each in reasons if reason_in("zh-CN", each) == each] == []


def test_reasons_stay_as_they_are_in_english(reasons: set[str]) -> None:
    assert {reason_in("en", each) for each in reasons} == reasons
