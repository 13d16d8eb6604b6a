"""Plugins from packages, entry points and arguments; broken ones with file and line, and without a trace."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoints
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from wxbot.errors import PluginError
from wxbot.scenes import loader
from wxbot.scenes.loader import Loaded, load
from wxbot.scenes.plugin import Plugin

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return what writes modules into a working directory; what they import is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    written = set()

    def write_module(path: str, source: str) -> None:
        written.add(path.partition("/")[0].removesuffix(".py"))
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source), encoding="utf-8")

    yield write_module
    for name in list(sys.modules):
        if name.partition(".")[0] in written:
            del sys.modules[name]


def write_plugin(write: Write, path: str, name: str) -> None:
    """Write a module with one plugin that answers the scene of its own name."""
    write(
        path,
        f"""
        from wxbot.scenes.plugin import Plugin

        plugin = Plugin("{name}")


        @plugin.scene("{name}")
        def answer(scan):
            return "{name}"
        """,
    )


def names(loaded: Loaded) -> list[str]:
    """Return the names of the plugins."""
    return [plugin.name for plugin in loaded.plugins]


def faults(*packages: str, entry_points: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return why the packages cannot be loaded."""
    with pytest.raises(PluginError) as refused:
        load(packages, entry_points)
    return refused.value.faults


def test_modules_are_imported_by_name_and_their_plugins_collected_once(write: Write) -> None:
    write("shop/__init__.py", "from shop.zebra import plugin as zebra")
    write_plugin(write, "shop/zebra.py", "zebra")
    write_plugin(write, "shop/ant.py", "ant")
    write("shop/bee.py", "from shop.ant import plugin\nhelper = 5")
    write_plugin(write, "shop/inner/__init__.py", "inner")
    write_plugin(write, "shop/inner/deeper.py", "deeper")

    assert names(load(["shop", "shop"], [])) == ["zebra", "ant", "inner"]


def test_package_without_init_and_single_module_are_loaded(write: Write) -> None:
    write_plugin(write, "corner/ant.py", "ant")
    write_plugin(write, "single.py", "single")

    assert names(load(["single", "corner"], [])) == ["single", "ant"]


def test_one_module_may_hold_several_plugins(write: Write) -> None:
    write("shop/all.py", "from wxbot.scenes.plugin import Plugin\nb, a = Plugin('b'), Plugin('a')")

    assert names(load(["shop"], [])) == ["b", "a"]


def test_plugins_of_the_application_come_last_and_once(write: Write) -> None:
    write_plugin(write, "shop/ant.py", "ant")
    mine = Plugin("mine")

    assert names(load(["shop"], [], extra=[mine, mine])) == ["ant", "mine"]


def test_shipped_examples_stand_in_for_missing_handlers(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(loader.SHIPPED, "own_handlers", "shipped_handlers")
    write_plugin(write, "shipped_handlers/ant.py", "ant")

    shipped = load(["own_handlers"], [])
    write_plugin(write, "own_handlers/bee.py", "bee")
    own = load(["own_handlers"], [])

    assert (names(shipped), names(own)) == (["ant"], ["bee"])


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("import re\n\nimport missing_module\n", 3, "ModuleNotFoundError: No module named 'missing_module'"),
        ("x = 1\nx = = 2\n", 2, "SyntaxError: invalid syntax"),
        ("def f(:\n", 1, "SyntaxError"),
        ("def f():\n    return {}['key']\n\n\nf()\n", 2, "KeyError: 'key'"),
        ("import json\njson.loads('{')\n", 2, "JSONDecodeError"),
        ("import sys\nsys.exit(0)\n", 2, "SystemExit: 0"),
        ("raise RuntimeError\n", 1, "RuntimeError"),
        ("raise RuntimeError('first\\nsecond')\n", 1, "RuntimeError: first"),
        ("from wxbot.scenes.plugin import Plugin\nPlugin(5)\n", 2, "name and prefix of a plugin are text"),
        ("import shop.deep\n", 1, "ZeroDivisionError"),
    ],
)
def test_broken_module_is_named_with_file_and_line(write: Write, source: str, line: int, reason: str) -> None:
    write("shop/__init__.py", "")
    write("shop/broken.py", source)
    write("elsewhere.py", "raise ZeroDivisionError\n")
    write("shop/deep/__init__.py", "import elsewhere\n")

    found = [fault for fault in faults("shop") if "shop.broken " in fault]

    place = "shop/deep/__init__.py" if "deep" in source else "shop/broken.py"
    assert len(found) == 1
    assert found[0].startswith(f"{place}:{line}: shop.broken cannot be loaded: ")
    assert reason in found[0]
    assert "\n" not in found[0]


def test_broken_package_is_named_with_file_and_line(write: Write) -> None:
    write("shop/__init__.py", "\n1 / 0\n")

    (fault,) = faults("shop")

    assert fault.startswith("shop/__init__.py:2: shop cannot be loaded: ZeroDivisionError")


def test_unreadable_module_is_refused(write: Write, tmp_path: Path) -> None:
    write("shop/__init__.py", "")
    (tmp_path / "shop" / "binary.py").write_bytes(b"\x00\xff\xfe")

    (fault,) = faults("shop")

    assert fault.startswith("shop/binary.py:1: shop.binary cannot be loaded")


@pytest.mark.parametrize("name", ["nowhere", "nowhere.deeper"])
def test_missing_package_is_refused(write: Write, name: str) -> None:
    assert faults(name) == (
        "there is no module 'nowhere' to load plugins from: make it, or correct its name",
    )


def test_missing_module_of_a_package_is_refused(write: Write) -> None:
    write("shop/__init__.py", "")

    (fault,) = faults("shop.gone")

    assert "there is no module 'shop.gone'" in fault


def test_all_faults_are_told_at_once(write: Write) -> None:
    write("shop/a.py", "1 / 0\n")
    write("shop/b.py", "import missing_module\n")

    found = faults("shop", "nowhere", entry_points=("gone",))

    assert len(found) == 4


def test_broken_module_is_left_out_and_the_rest_is_loaded(write: Write) -> None:
    write_plugin(write, "shop/ant.py", "ant")
    write("shop/broken.py", "from wxbot.scenes.plugin import Plugin\nplugin = Plugin('broken')\n1 / 0\n")
    write_plugin(write, "shop/zebra.py", "zebra")

    loaded = load(["shop"], [], on_error="skip")

    assert names(loaded) == ["ant", "zebra"]
    (fault,) = loaded.skipped
    assert fault.startswith("shop/broken.py:3: ")


def test_broken_module_takes_back_what_it_added_to_others(write: Write) -> None:
    write_plugin(write, "shop/ant.py", "ant")
    write(
        "shop/broken.py",
        """
        from shop.ant import plugin

        plugin.scene("half")(lambda scan: "half")
        1 / 0
        """,
    )

    loaded = load(["shop"], [], on_error="skip")

    assert [each.rule for each in loaded.plugins[0].registrations] == ["ant"]


def test_module_first_imported_by_a_broken_one_is_loaded_afresh(write: Write) -> None:
    write(
        "shop/broken.py",
        """
        from shop.zebra import plugin

        plugin.scene("half")(lambda scan: "half")
        1 / 0
        """,
    )
    write_plugin(write, "shop/zebra.py", "zebra")

    loaded = load(["shop"], [], on_error="skip")

    assert [each.rule for each in loaded.plugins[0].registrations] == ["zebra"]


UNREACHABLE = [
    pytest.param(
        """
        vip = Plugin("vip")


        @vip.scene("vip")
        def vip(scan):
            return "vip"
        """,
        id="overwritten by its handler",
    ),
    pytest.param(
        """
        plugin = Plugin("vip")
        plugin.scene("vip")(lambda scan: "vip")
        plugin = Plugin("other")
        """,
        id="overwritten by another plugin",
    ),
    pytest.param(
        """
        plugins = [Plugin("vip")]
        plugins[0].scene("vip")(lambda scan: "vip")
        """,
        id="in a list",
    ),
    pytest.param(
        """
        def make():
            made = Plugin("vip")
            made.scene("vip")(lambda scan: "vip")


        make()
        """,
        id="made and dropped by a function",
    ),
]


@pytest.mark.parametrize("source", UNREACHABLE)
def test_plugin_that_no_variable_holds_is_refused_with_its_place(write: Write, source: str) -> None:
    source = "from wxbot.scenes.plugin import Plugin\n" + dedent(source)
    write("shop/vip.py", source)
    write_plugin(write, "shop/ant.py", "ant")
    made = "\nmake()" if "make()" in source else 'Plugin("vip")'
    line = source[: source.index(made) + 1].count("\n") + 1

    (fault,) = faults("shop")
    (again,) = faults("shop")
    loaded = load(["shop"], [], on_error="skip")

    assert fault.startswith(
        f"shop/vip.py:{line}: plugin 'vip' is made here, but no variable of shop.vip holds it"
    )
    assert fault == again
    assert loaded.skipped == (fault,)
    assert [name for name in names(loaded) if name != "other"] == ["ant"]


def test_plugin_that_somebody_holds_or_nobody_uses_is_no_fault(
    write: Write, monkeypatch: Any, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    plugin = "from wxbot.scenes.plugin import Plugin\n"
    kept = "made.scene(made.name)(lambda scan: made.name)"
    factory = f"{plugin}\n\ndef make(name):\n    made = Plugin(name)\n    {kept}\n    return made\n"
    write("library.py", f"{factory}\n\nALL = {{'spare': make('spare')}}\n")
    write("shop/factory.py", factory)
    write("shop/ant.py", "from library import make\nant = make('ant')\n")
    write(
        "shop/bee.py",
        "from shop.factory import make\nfrom shop.deep.kept import helper\nbees = [make('bee')]\n",
    )
    write("shop/cat.py", "from shop.bee import bees\n\ncat = bees[0]\n")
    write("shop/dog.py", f"{plugin}[Plugin('dog')]\n")
    write("shop/deep/__init__.py", "")
    write(
        "shop/deep/kept.py", "from library import make\nhelper = make('helper')\nunmounted = make('deep')\n"
    )
    write("shop/eel.py", "from library import make\nEELS = [make('eel')]\n")
    write("shop/deep/half.py", "from library import make\nmake('half')\n1 / 0\n")
    write("shop/fox.py", "try:\n    import shop.deep.half\nexcept ZeroDivisionError:\n    pass\n")
    write("shop/broken.py", "from library import make\nmake('broken')\n1 / 0\n")

    loaded = load(["shop"], [], on_error="skip")

    assert names(loaded) == ["ant", "helper", "bee"]
    assert [fault.partition(":")[0] for fault in loaded.skipped] == ["shop/broken.py", "shop/eel.py"]
    assert "plugin 'eel' is made here, but no variable of shop.eel holds it" in loaded.skipped[1]


def test_repaired_package_can_be_loaded_in_the_same_process(write: Write) -> None:
    write_plugin(write, "shop/ant.py", "ant")
    write("shop/broken.py", "1 / 0\n")
    faults("shop")

    write_plugin(write, "shop/broken.py", "repaired")

    assert names(load(["shop"], [])) == ["ant", "repaired"]


def distribute(write: Write, name: str, entry_points: str) -> None:
    """Write what an installed distribution leaves behind."""
    write(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    write(f"{name}-1.0.dist-info/entry_points.txt", f"[wxbot.plugins]\n{entry_points}\n")


def test_entry_points_are_loaded_if_they_are_named(write: Write, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    write_plugin(write, "coupons.py", "coupons")
    write_plugin(write, "unwanted.py", "unwanted")
    distribute(write, "coupons_dist", "coupons = coupons:plugin\nunwanted = unwanted:plugin")

    assert names(load([], ["coupons"])) == ["coupons"]
    assert "unwanted" not in sys.modules


@pytest.mark.parametrize(
    ("entry_point", "reason"),
    [
        ("coupon = coupons:plugin", "installed are coupon"),
        ("coupons = coupons:gone", "names nothing in its module"),
        ("coupons = coupons:answer", "gives function, not a Plugin"),
        ("coupons = coupons", "gives module, not a Plugin"),
        ("coupons = broken:plugin", "broken.py:2: broken cannot be loaded: ZeroDivisionError"),
        ("coupons = missing:plugin", "there is no module 'missing'"),
    ],
)
def test_unusable_entry_point_is_refused(
    write: Write, monkeypatch: Any, tmp_path: Path, entry_point: str, reason: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    write_plugin(write, "coupons.py", "coupons")
    write("broken.py", "\n1 / 0\n")
    distribute(write, "coupons_dist", entry_point)

    (fault,) = faults(entry_points=("coupons",))

    assert reason in fault


def test_entry_point_offered_twice_is_refused(write: Write, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    distribute(write, "one", "coupons = one:plugin")
    distribute(write, "two", "coupons = two:plugin")

    (fault,) = faults(entry_points=("coupons",))

    assert "'coupons' is offered twice" in fault


def test_entry_point_is_refused_when_nothing_is_installed(monkeypatch: Any) -> None:
    """A wxbot that somebody took the kits out of."""
    monkeypatch.setattr(loader, "entry_points", lambda group: EntryPoints())
    (fault,) = faults(entry_points=("coupons",))

    assert "no installed package offers one" in fault


def test_what_is_no_plugin_cannot_be_passed() -> None:
    stranger: Any = "orders"

    with pytest.raises(PluginError, match=r"create_app\(plugins=...\) gives str, not a Plugin"):
        load([], [], extra=[stranger])
