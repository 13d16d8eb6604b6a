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
# What happens, in order: to whom, kind, key or text. Chen follows before it begins.
STORY = [
    ("ailin", "subscribe", "qrscene_vip"),
    ("chen", "SCAN", "vip"),
    ("chen", "SCAN", "table:12"),
    ("bo", "subscribe", "qrscene_table:7"),
    ("dan", "subscribe", ""),
    ("chen", "CLICK", "HOURS"),
    ("chen", "text", "帮助"),
    ("chen", "text", "你好"),
    # Who comes back.
    ("ailin", "SCAN", "vip"),
    ("ailin", "unsubscribe", ""),
    ("ailin", "subscribe", "qrscene_vip"),
    ("chen", "unsubscribe", ""),
    ("chen", "subscribe", "qrscene_vip"),
    ("chen", "SCAN", "vip"),
    ("dan", "unsubscribe", ""),
    ("dan", "subscribe", ""),
]
# What is said to who has left reaches nobody.
READ = [step for step in STORY if step[1] != "unsubscribe"]
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
    for number, (who, kind, key) in enumerate(READ):
        what = (
            f"<MsgType>text</MsgType><Content>{key}</Content><MsgId>{number}</MsgId>"
            if kind == "text"
            else f"<MsgType>event</MsgType><Event>{kind}</Event><EventKey>{key}</EventKey>"
        )
        body = (
            f"<xml><ToUserName>gh_shop</ToUserName><FromUserName>{who}</FromUserName>"
            f"<CreateTime>17000000{number:02}</CreateTime>{what}</xml>"
        )
        signature = hashlib.sha1("".join(sorted((TOKEN, "1700000000", "n"))).encode()).hexdigest()
        query = {"signature": signature, "timestamp": "1700000000", "nonce": "n"}
        response = app.test_client().post("/wechat", query_string=query, data=body.encode())
        yield parse_message(response.data).content


def answers_of_wxbot(wx: Wx) -> Iterator[str]:
    people = {who: wx.user(who, follows=who == "chen") for who in {who for who, _, _ in STORY}}
    for who, kind, key in STORY:
        person = people[who]
        if kind == "unsubscribe":
            person.unfollow()
        elif kind in ("subscribe", "SCAN"):
            assert person.follows == (kind == "SCAN")
            yield (person.scan(key.removeprefix("qrscene_")) if key else person.follow()).text
        else:
            yield (person.tap(key) if kind == "CLICK" else person.say(key)).text


def test_all_three_answer_the_same(werobot: None, tmp_path: Path) -> None:
    view, robot, moved = map(run, blocks("from-other-bots.md"))
    wx = Wx(tmp_path, plugins=[moved["shop"]])
    try:
        answers = list(answers_of_wxbot(wx))
    finally:
        wx.close()

    assert len(set(answers)) == 8
    assert list(answers_of_the_view(view["app"])) == answers
    assert [robot["robot"].answer(kind, key) for _, kind, key in READ] == answers


def test_both_languages_show_the_same_code() -> None:
    assert len(blocks("from-other-bots.md")) == 3
    assert blocks("from-other-bots.md") == blocks("from-other-bots.zh-CN.md")
