"""The test kit as an author of handlers uses it, in a project of their own."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from wxbot import Plugin, Scan, WxbotError
from wxbot.db import migrate
from wxbot.db.models import followers
from wxbot.testing import Wx
from wxbot.testing.database import migrated_file

HANDLERS = """
from wxbot import Plugin, Scan

plugin = Plugin("orders", prefix="ord:")

@plugin.scene("<signed:order_id>")
def bind(scan: Scan, order_id: str) -> str:
    return f"订单 {order_id} 已绑定"
"""
TEST = """
def test_bind(wx):
    ailin = wx.user("ailin")
    code = wx.mint("orders.bind", order_id="42")
    ailin.scan(code)
    assert ailin.last_reply.text == "订单 42 已绑定"
    ailin.redeliver()
    assert wx.runs("orders.bind") == 1 and ailin.last_reply.is_repeat
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.parametrize("package", ["handlers", "shop"])
def test_fixture_works_in_a_project_of_its_own(tmp_path: Path, package: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / package / "orders.py").write_text(HANDLERS)
    (tmp_path / "test_orders.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nwxbot_packages = {package}\n")

    ran = run_pytest(tmp_path)

    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


def test_plugin_is_free_where_it_is_not_used(tmp_path: Path) -> None:
    heavy = "{'wxbot.app', 'flask', 'sqlalchemy'}"
    (tmp_path / "test_other.py").write_text(
        f"import sys\ndef test_other():\n    assert not {heavy} & set(sys.modules)\n"
    )

    ran = run_pytest(tmp_path)

    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


@pytest.fixture
def wx_plugins() -> list[Plugin]:
    plugin = Plugin("own")

    @plugin.scene(range(1, 10))
    def block(scan: Scan, scene_id: int) -> str:
        return f"{scan.when} {scene_id} {scan.is_new_follower}"

    @plugin.scene("broken")
    def broken(scan: Scan) -> str:
        raise KeyError

    @plugin.errorhandler(KeyError)
    def mended(scan: Scan, error: KeyError) -> str:
        return "mended"

    @plugin.fallback
    def unknown(scan: Scan) -> str:
        return "unknown"

    @plugin.job
    def later() -> None:
        pass

    @plugin.on_scan
    def seen(scan: Scan) -> None:
        pass

    return [plugin]


def test_people_know_whether_they_follow(wx: Wx) -> None:
    bo = wx.user("bo", follows=False)

    first, second = bo.scan(7), bo.scan(7)
    bo.unfollow()
    third = bo.scan(7)

    assert [said.text for said in (first, second, third)] == [
        "follow 7 True",
        "scan 7 False",
        "follow 7 False",
    ]
    assert bo.follows


def test_every_kind_of_function_is_counted(wx: Wx) -> None:
    names = ("own.broken", "own.mended", "own.unknown", "own.later", "own.seen")
    before = [wx.runs(name) for name in names]

    wx.user("ailin").scan("broken")
    wx.user("bo").scan("nowhere")
    wx.work()

    assert before == [0, 0, 0, 0, 0]
    assert [wx.runs(name) for name in names] == [1, 1, 1, 0, 2]


def test_calls_of_nobody_are_not_counted_as_none(wx: Wx) -> None:
    with pytest.raises(WxbotError, match=r"nothing is called 'own\.blok': did you mean 'own\.block'\?"):
        wx.runs("own.blok")
    with pytest.raises(WxbotError, match=r"nothing is called 'x': name it plugin\.function"):
        wx.runs("x")


def test_expired_code_pushes_nothing(wx: Wx) -> None:
    ailin = wx.user("ailin")
    code = wx.world.mint(7, expire_seconds=60)
    wx.world.clock.offset_seconds += 120

    said = ailin.scan(code)

    assert (said.kind, said.reason) == ("nothing", "expired")
    assert wx.runs("own.block") == 0


def test_follower_row_forgets_the_openid_at_the_unfollow(wx: Wx) -> None:
    chen = wx.user("chen", follows=False)
    chen.scan(7)
    with wx.session() as session:
        before = session.execute(followers.select()).one()
    chen.unfollow()
    with wx.session() as session:
        after = session.execute(followers.select()).one()

    assert (before.openid, before.first_scene, before.follows) == (chen.openid, "7", 1)
    assert after.openid is None
    assert after.unfollowed_at is not None


def follower_rows(wx: Wx) -> int:
    with wx.session() as session:
        return int(session.scalar(select(func.count()).select_from(followers)) or 0)


def test_tables_are_made_once_and_every_bot_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wx_plugins: list[Plugin]
) -> None:
    migrated_file()  # by whichever test was the first
    monkeypatch.setattr(migrate, "_move", lambda *_: pytest.fail("the tables were made again"))
    kits = [Wx(tmp_path / name, plugins=wx_plugins) for name in ("one", "two")]

    kits[0].user("ailin").scan(kits[0].world.mint(7))

    assert [follower_rows(kit) for kit in kits] == [1, 0]
    for kit in kits:
        kit.close()


def test_a_database_that_settings_name_is_used_and_no_other_made(
    tmp_path: Path, wx_plugins: list[Plugin]
) -> None:
    named = {"database": {"url": f"sqlite:///{tmp_path / 'named.db'}"}}

    kit = Wx(tmp_path, plugins=wx_plugins, overrides=named)

    assert follower_rows(kit) == 0
    kit.close()
    assert (tmp_path / "named.db").exists() and not (tmp_path / "wxbot.db").exists()


def test_child_that_ends_leaves_the_tables_to_its_parent() -> None:
    script = (
        "import os, sys\n"
        "from wxbot.testing.database import migrated_file\n"
        "file = migrated_file()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(file.parent, file.exists())\n"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    folder, is_there = ran.stdout.split()
    assert is_there == "True"
    assert not Path(folder).exists()
