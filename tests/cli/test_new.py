"""`wxbot new`: what it writes works as it is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from wxbot.cli import cli
from wxbot.testing import Wx

ROOT = Path(__file__).parents[2]
IS_LONG = os.environ.get("WXBOT_LONG") == "1"


@pytest.mark.parametrize(
    ("rule", "scene", "module", "reply"),
    [
        ("member", "member", "member", "扫码成功。"),
        ("1001", "1001", "scene_1001", "扫码成功。"),
        ("table:<int:number>", "table:7", "table_number", "您扫的是 7。"),
        ("a:<kind>:<int:id>", "a:box:3", "a_kind_id", "您扫的是 box、3。"),
    ],
)
def test_new_handler_answers_its_scene(
    project: Any, tmp_path: Path, rule: str, scene: str, module: str, reply: str
) -> None:
    package = f"handlers_of_{module}"  # Python loads a package once

    result = project.run("new", "handler", rule, "--package", package)

    assert (result.returncode, result.stderr) == (0, "")
    assert (project.folder / package / f"{module}.py").exists()
    assert reply_of(project.folder, tmp_path, package, scene) == reply


def test_package_may_be_inside_another(project: Any, tmp_path: Path) -> None:
    result = project.run("new", "handler", "member", "--package", "tea_house.handlers")

    assert result.stdout.startswith("tea_house/handlers/member.py answers member.")
    assert reply_of(project.folder, tmp_path, "tea_house.handlers", "member") == "扫码成功。"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("handler", "door:<scan>"), "the name <scan> is taken"),
        (("handler", "door:<session>"), "the name <session> is taken"),
        (("handler", "door:<int:account>"), "the name <account> is taken"),
        (("handler", "channels"), "the name 'channels' is taken"),
        (("handler", "door", "--name", "wxbot"), "the name 'wxbot' is taken"),
        (("handler", "1" * 64), "a plugin cannot be called"),
        (("handler", "door", "--package", "../other"), "'../other' is not the name of a package"),
        (("plugin", "wxbot"), "the name 'wxbot' is taken"),
    ],
)
def test_what_could_not_be_mounted_is_not_written(
    project: Any, arguments: tuple[str, ...], fault: str
) -> None:
    before = sorted(project.folder.rglob("*"))

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        result = CliRunner().invoke(cli, ("new", *arguments))

    assert result.exit_code == 2 and fault in result.stderr
    assert sorted(project.folder.rglob("*")) == before


def reply_of(folder: Path, tmp_path: Path, package: str, scene: str) -> str:
    sys.path.insert(0, str(folder))
    wx = Wx(tmp_path, packages=[package])
    try:
        ailin = wx.user("ailin")
        ailin.scan(scene)
        return str(ailin.last_reply.text)
    finally:
        wx.close()
        sys.path.remove(str(folder))


def test_new_handler_overwrites_nothing(project: Any) -> None:
    project.run("new", "handler", "member")
    written = project.folder / "handlers/member.py"
    written.write_text("# changed since\n")

    result = project.run("new", "handler", "member")

    assert (result.returncode, written.read_text()) == (1, "# changed since\n")
    assert "handlers/member.py is there already" in result.stderr


def test_rule_that_no_code_carries_is_refused(project: Any) -> None:
    result = project.run("new", "handler", "two words")

    assert result.returncode == 2
    assert not (project.folder / "handlers/two_words.py").exists()


def test_tests_of_a_new_plugin_pass(project: Any) -> None:
    made = project.run("new", "plugin", "table-card")
    folder = project.folder / "wxbot-table-card"

    options = [] if IS_LONG else [f"PYTHON={sys.executable}"]
    result = subprocess.run(
        [shutil.which("make") or "make", "test", *options],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (made.returncode, result.returncode) == (0, 0), result.stdout + result.stderr
    assert "3 passed" in result.stdout


MOUNTED = """
from pathlib import Path
from wxbot.testing import Wx

wx = Wx(Path("."), overrides={"handlers": {"plugins": ["shop_hours"]}})
print(wx.user("bo", follows=False).scan(wx.mint("shop_hours.hours", shop=3)).text)
wx.close()
"""


@pytest.mark.parametrize("page", ["plugins.md", "plugins.zh-CN.md"])
def test_plugin_of_the_docs_is_tested_built_and_mounted_by_its_name(project: Any, page: str) -> None:
    project.run("new", "plugin", "shop-hours")
    folder = project.folder / "wxbot-shop-hours"
    text = (ROOT / "docs" / page).read_text("utf-8")
    files = dict(re.findall(r'^```python title="([^"]+)"\n(.*?)^```$', text, re.MULTILINE | re.DOTALL))
    for name, content in files.items():
        assert (folder / name).exists()
        (folder / name).write_text(content, "utf-8")

    def run(*command: object, **variables: str) -> str:
        done = subprocess.run(
            [str(each) for each in command],
            cwd=folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "1 passed" in run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    # What `pip wheel` does, without a network.
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", "dist")
    (wheel,) = (folder / "dist").iterdir()
    assert f"`{wheel.name}`" in text
    shutil.unpack_archive(wheel, folder / "site", "zip")
    said = run(sys.executable, "-c", MOUNTED, PYTHONPATH=str(folder / "site"))
    assert said.strip() == re.search(r'last_reply.text == "(.+)"', files["tests/test_shop_hours.py"])[1]  # type: ignore[index]


@pytest.mark.parametrize("name", ["Table", "9lives", "a/b", "..", "a--b", "x" * 33, ""])
def test_name_that_no_package_has_is_refused(project: Any, name: str) -> None:
    before = sorted(project.folder.iterdir())

    result = project.run("new", "plugin", name)

    assert (result.returncode, sorted(project.folder.iterdir())) == (2, before)
