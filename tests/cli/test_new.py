"""`wxbot new`: what it writes works as it is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
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
        (("plugin", "order"), "the name 'order' is taken: wxbot offers a plugin of that name"),
        (("plugin", "login"), "the name 'login' is taken: wxbot offers a plugin of that name"),
        (("plugin", "tea-house"), "the name 'tea_house' is taken: tea-cards offers a plugin of that name"),
    ],
)
def test_what_could_not_be_mounted_is_not_written(
    project: Any, arguments: tuple[str, ...], fault: str
) -> None:
    installed = project.folder / "site/tea_cards-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: tea-cards\nVersion: 1.0\n", "utf-8")
    (installed / "entry_points.txt").write_text("[wxbot.plugins]\ntea_house = tea:plugin\n", "utf-8")
    before = sorted(project.folder.rglob("*"))

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        patch.syspath_prepend(installed.parent)
        result = CliRunner().invoke(cli, ("new", *arguments))

    assert result.exit_code == 2 and fault in result.stderr
    assert sorted(project.folder.rglob("*")) == before


def test_package_that_is_not_loaded_is_named_with_the_setting(project: Any) -> None:
    result = project.run("new", "handler", "cafe", "--package", "shop")

    assert "shop is not loaded yet: add it to [handlers] packages" in result.stdout
    assert '\n[handlers]\npackages = ["handlers", "shop"]\n' in result.stdout
    assert "Try it" not in result.stdout


@pytest.mark.parametrize(
    ("packages", "arguments", "written", "said"),
    [
        ("shop", (), "shop/cafe.py", "Try it"),
        ("shop,handlers", (), "handlers/cafe.py", "Try it"),
        ("shop,tea", (), "handlers/cafe.py", 'packages = ["shop", "tea", "handlers"]'),
        ("shop", ("--package", "handlers"), "handlers/cafe.py", 'packages = ["shop", "handlers"]'),
        ("json", (), "handlers/cafe.py", 'packages = ["json", "handlers"]'),  # that package is Python's
    ],
)
def test_handler_goes_where_it_is_loaded(
    configured: Any, packages: str, arguments: tuple[str, ...], written: str, said: str
) -> None:
    result = configured.run("new", "handler", "cafe", *arguments, WXBOT_HANDLERS__PACKAGES=packages)

    assert (result.returncode, result.stderr) == (0, "")
    assert (configured.folder / written).exists()
    assert said in result.stdout


def test_settings_with_faults_do_not_keep_a_handler_from_being_written(project: Any) -> None:
    project.write("config.toml", "[handlers]\npackages = 3\n")

    result = project.run("new", "handler", "cafe")

    assert (result.returncode, result.stderr) == (0, "")
    assert (project.folder / "handlers/cafe.py").exists()


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


def test_misspelt_setting_of_a_new_plugin_is_told(configured: Any) -> None:
    configured.run("new", "plugin", "table-card")
    (configured.folder / "wxbot-table-card/wxbot_table_card").rename(configured.folder / "table_card")

    checked = configured.run(
        "check", WXBOT_HANDLERS__PACKAGES="table_card", WXBOT_PLUGINS__TABLE_CARD__SHOP_NAM="Tea"
    )

    assert checked.returncode == 78
    assert "[plugins.table_card] shop_nam" in checked.stderr


MOUNTED = """
from pathlib import Path
from wxbot.testing import Wx

wx = Wx(Path("."), overrides={"handlers": {"plugins": ["shop_hours"]}})
print(wx.user("bo", follows=False).scan(wx.mint("shop_hours.hours", shop=3)).text)
wx.close()
"""


def page_and_files(name: str) -> tuple[str, dict[str, str]]:
    """Return a page of the docs, and the files that it shows."""
    page = (ROOT / "docs" / name).read_text("utf-8")
    return page, dict(re.findall(r'^```python title="([^"]+)"\n(.*?)^```$', page, re.MULTILINE | re.DOTALL))


def test_plugin_of_the_docs_is_tested_built_and_mounted_by_its_name(project: Any) -> None:
    project.run("new", "plugin", "shop-hours")
    folder = project.folder / "wxbot-shop-hours"
    text, files = page_and_files("plugins.md")
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
    for page in (text, page_and_files("plugins.zh-CN.md")[0]):
        assert f"`{wheel.name}`" in page
    shutil.unpack_archive(wheel, folder / "site", "zip")
    said = run(sys.executable, "-c", MOUNTED, PYTHONPATH=str(folder / "site"))
    assert said.strip() == re.search(r'last_reply.text == "(.+)"', files["tests/test_shop_hours.py"])[1]  # type: ignore[index]


def test_plugin_of_the_chinese_docs_passes_its_test_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: its code is that of the other page (tests/docs/test_twins.py), but for its texts."""
    _, files = page_and_files("plugins.zh-CN.md")
    assert list(files) == list(page_and_files("plugins.md")[1])
    module = ModuleType("wxbot_shop_hours")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(files["wxbot_shop_hours/__init__.py"], "plugins.zh-CN.md", "exec"), vars(module))
    names: dict[str, Any] = {"__name__": "tested"}
    exec(compile(files["tests/test_shop_hours.py"], "plugins.zh-CN.md", "exec"), names)
    wx = Wx(tmp_path, plugins=[module.plugin])

    try:
        names["test_hours_are_told"](wx)
    finally:
        wx.close()


@pytest.mark.parametrize("name", ["Table", "9lives", "a/b", "..", "a--b", "x" * 33, ""])
def test_name_that_no_package_has_is_refused(project: Any, name: str) -> None:
    before = sorted(project.folder.iterdir())

    result = project.run("new", "plugin", name)

    assert (result.returncode, sorted(project.folder.iterdir())) == (2, before)


def test_bad_name_is_refused_before_anything_heavy_is_loaded(project: Any) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from wxbot.cli import cli\n"
        "said = CliRunner().invoke(cli, ('new', 'plugin', sys.argv[1]))\n"
        "print(said.exit_code, [name for name in ('sqlalchemy', 'pydantic', 'flask') if name in sys.modules])"
    )
    for name in ("wxbot", "order", "Table"):
        done = subprocess.run(
            [sys.executable, "-c", code, name], cwd=project.folder, capture_output=True, text=True, check=True
        )
        assert done.stdout == "2 []\n", name
