"""How often one scan asks the database: every statement more is one for every scan of everybody."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from wxbot import Plugin, Scan, followers
from wxbot.testing import Wx


@dataclass
class Asked:
    """What the threads that run handlers asked of a database. The bot looks after its own in others."""

    statements: list[str] = field(default_factory=list)
    commits: int = 0

    def listen(self, wx: Wx) -> None:
        listen(wx.bot.engine, "before_cursor_execute", self._statement)
        listen(wx.bot.engine, "commit", self._commit)

    def verbs(self) -> list[str]:
        return [statement.split()[0] for statement in self.statements]

    def forget(self) -> None:
        self.statements.clear()
        self.commits = 0

    def _statement(self, _connection: object, _cursor: object, sql: str, *_: Any) -> None:
        if threading.current_thread().name.startswith("handler-"):
            self.statements.append(sql)

    def _commit(self, _connection: object) -> None:
        if threading.current_thread().name.startswith("handler-"):
            self.commits += 1


@pytest.fixture
def asked(plugin: Plugin, make_wx: Callable[..., Wx], mode: str) -> tuple[Wx, Asked]:
    @plugin.scene("light")
    def light(scan: Scan) -> str:
        return "好"

    @plugin.scene("writing")
    def writing(scan: Scan, session: Session) -> str:
        session.execute(text("UPDATE schedules SET next_at = 1 WHERE name = 'nothing'"))
        return "好"

    wx = make_wx({"accounts": {"default": {"mode": mode}}})
    asked = Asked()
    asked.listen(wx)
    return wx, asked


# A signature that does not cover the body is noted, with one statement more.
@pytest.mark.parametrize(("mode", "noted"), [("safe", []), ("plain", ["INSERT"])])
def test_light_scan_takes_three_statements_and_one_commit(asked: tuple[Wx, Asked], noted: list[str]) -> None:
    wx, counted = asked

    wx.user("ailin").scan("light")

    assert counted.verbs() == ["SELECT", "INSERT", "INSERT", *noted]
    assert counted.commits == 1


@pytest.mark.parametrize(("mode", "noted"), [("safe", []), ("plain", ["INSERT"])])
def test_writing_scan_takes_five_statements_beside_its_own_and_two_commits(
    asked: tuple[Wx, Asked], noted: list[str]
) -> None:
    wx, counted = asked

    wx.user("ailin").scan("writing")

    ours = [statement for statement in counted.statements if "schedules" not in statement]
    savepoints = ("SAVEPOINT", "RELEASE")
    verbs = [each.split()[0] for each in ours if not each.startswith(savepoints)]
    assert verbs == ["SELECT", "INSERT", "INSERT", *noted, "UPDATE", "SELECT"]
    assert counted.commits == 2


@pytest.mark.parametrize("mode", ["safe"])
@pytest.mark.parametrize("scene", ["light", "writing"])
def test_repeat_takes_one_statement_and_no_commit(asked: tuple[Wx, Asked], scene: str) -> None:
    wx, counted = asked
    ailin = wx.user("ailin")
    ailin.scan(scene)
    counted.forget()

    ailin.redeliver()

    assert counted.verbs() == ["SELECT"] and counted.commits == 0


@pytest.mark.parametrize(("scene", "count"), [("light", 0), ("asking", 1)])
def test_follower_is_made_for_a_handler_that_asks(
    plugin: Plugin, make_wx: Callable[[], Wx], monkeypatch: pytest.MonkeyPatch, scene: str, count: int
) -> None:
    made: list[str] = []
    before_handler: list[int] = []

    @plugin.scene("light")
    def light(scan: Scan) -> str:
        before_handler.append(len(made))
        return "好"

    @plugin.scene("asking")
    def asking(scan: Scan, follower: followers.Follower) -> str:
        assert follower.last_scene == "asking"
        return light(scan)

    wx = make_wx()
    ailin = wx.user("ailin")
    ailin.scan("light")
    replace = followers.replace

    def noted(value: Any, **changes: Any) -> Any:
        if isinstance(value, followers.Follower):
            made.append(threading.current_thread().name)
        return replace(value, **changes)

    monkeypatch.setattr(followers, "replace", noted)

    assert ailin.scan(scene).text == "好"

    assert before_handler[-1] == count
