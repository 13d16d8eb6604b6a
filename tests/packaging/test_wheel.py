"""The wheel holds everything that a checkout has and that runs, and runs without the checkout."""

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSIDE = {"wxbot": "wxbot", "migrations": "wxbot/_migrations", "handlers": "wxbot/_handlers"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as a release does, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_wheel_holds_the_package_the_migrations_and_the_handlers(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    expected = {f"{inside}/{name}" for folder, inside in INSIDE.items() for name in files(ROOT / folder)}
    assert packed == expected | {"wxbot/_gunicorn.conf.py"}
    assert {"wxbot/py.typed", "wxbot/_migrations/env.py", "wxbot/_handlers/__init__.py"} <= packed
    assert [name for name in packed if name.endswith(".html")]


def test_wheel_names_its_command_and_its_pytest_plugin(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
    entry_points = configparser.ConfigParser()

    entry_points.read_string(archive.read(name).decode())

    assert entry_points["console_scripts"]["wxbot"] == "wxbot.cli:main"
    assert entry_points["pytest11"]["wxbot"] == "wxbot.pytest_plugin"


TRY = """
import sqlite3
import wxbot, wxbot._handlers
from wxbot.db import migrate

migrate.upgrade("sqlite:///var/wxbot.db")
assert sqlite3.connect("var/wxbot.db").execute("select count(*) from events").fetchone() == (0,)
assert [getattr(wxbot, name) for name in wxbot.__all__]
print(wxbot.__file__)
"""


def test_wheel_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "work").mkdir()

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRY],
        cwd=tmp_path / "work",
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.strip() == str(tmp_path / "site" / "wxbot" / "__init__.py")


def test_wheel_does_not_hold_what_belongs_to_a_deployment(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert not [
        name for name in names if name.endswith((".db", "config.toml", ".env")) or "tests" in name.split("/")
    ]
