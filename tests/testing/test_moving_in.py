"""A bot that was moved to wxbot answers as it did before: the page shows the three, this plays to them."""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from wechatpy import parse_message

from wxbot.testing import Wx

DOCS = Path(__file__).parents[2] / "docs"
# What happens, in order: kind, key or text.
STORY = [
    ("subscribe", "qrscene_vip"),
    ("SCAN", "vip"),
    ("SCAN", "table:12"),
    ("subscribe", "qrscene_table:7"),
    ("subscribe", ""),
    ("CLICK", "HOURS"),
    ("text", "帮助"),
    ("text", "你好"),
]
TOKEN = "K8mQ2vR7xW4nB9tY"


def blocks(page: str) -> list[str]:
    return re.findall(
        r"^```python[^\n]*\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )


class Robot:
    """What WeRoBot does with the decorators of the page: remembers functions, and calls one for a message."""

    def __init__(self, token: str) -> None:
        self.kinds: dict[str, Callable[[Any], str]] = {}

    def _take(self, kind: str) -> Callable[..., Any]:
        def decorate(function: Callable[[Any], str]) -> Callable[[Any], str]:
            self.kinds[kind.lower()] = function
            return function

        return decorate

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        return self._take(kind)

    def key_click(self, key: str) -> Callable[..., Any]:
        """Take the answer to a menu item."""
        return self._take(f"click {key}")

    def filter(self, words: str) -> Callable[..., Any]:
        """Take the answer to a text."""
        return self._take(f"text {words}")

    def answer(self, kind: str, key: str) -> str:
        """Return what the function says that fits best."""
        function = self.kinds.get(f"{kind} {key}".lower(), self.kinds.get(kind.lower()))
        assert function is not None, (kind, key)
        return function(SimpleNamespace(key=key, content=key))


@pytest.fixture
def werobot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `import werobot` find a module with that class."""
    module = ModuleType("werobot")
    module.WeRoBot = Robot  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "werobot", module)


def run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "moved"}
    exec(compile(block, "from-other-bots.md", "exec"), names)
    return names


def answers_of_the_view(app: Any) -> Iterator[str]:
    for number, (kind, key) in enumerate(STORY):
        what = (
            f"<MsgType>text</MsgType><Content>{key}</Content><MsgId>{number}</MsgId>"
            if kind == "text"
            else f"<MsgType>event</MsgType><Event>{kind}</Event><EventKey>{key}</EventKey>"
        )
        body = (
            "<xml><ToUserName>gh_shop</ToUserName><FromUserName>ailin</FromUserName>"
            f"<CreateTime>17000000{number:02}</CreateTime>{what}</xml>"
        )
        signature = hashlib.sha1("".join(sorted((TOKEN, "1700000000", "n"))).encode()).hexdigest()
        query = {"signature": signature, "timestamp": "1700000000", "nonce": "n"}
        response = app.test_client().post("/wechat", query_string=query, data=body.encode())
        yield parse_message(response.data).content


def answers_of_wxbot(wx: Wx) -> Iterator[str]:
    chen = wx.user("chen")
    for number, (kind, key) in enumerate(STORY):
        if kind == "subscribe":
            stranger = wx.user(f"stranger {number}", follows=False)
            yield (stranger.scan(key.removeprefix("qrscene_")) if key else stranger.follow()).text
        elif kind == "SCAN":
            yield chen.scan(key).text
        else:
            yield (chen.tap(key) if kind == "CLICK" else chen.say(key)).text


def test_all_three_answer_the_same(werobot: None, tmp_path: Path) -> None:
    view, robot, moved = map(run, blocks("from-other-bots.md"))
    wx = Wx(tmp_path, plugins=[moved["shop"]])
    try:
        answers = list(answers_of_wxbot(wx))
    finally:
        wx.close()

    assert len(set(answers)) == 8
    assert list(answers_of_the_view(view["app"])) == answers
    assert [robot["robot"].answer(kind, key) for kind, key in STORY] == answers


def test_both_languages_show_the_same_code() -> None:
    assert len(blocks("from-other-bots.md")) == 3
    assert blocks("from-other-bots.md") == blocks("from-other-bots.zh-CN.md")
