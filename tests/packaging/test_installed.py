"""What is published works without the checkout: a whole source archive, a wheel that answers a scan."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IS_LONG = os.environ.get("WXBOT_LONG") == "1"


def built(target: str, folder: Path, source: Path = ROOT) -> Path:
    """Build an archive as a release does, without a network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (archive,) = (path for path in folder.iterdir() if path.is_file())
    return archive


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source archive, and return the folder that it unpacks to."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built("sdist", folder)) as archive:
        # Python 3.11.2, which Debian 12 has, knows no filters; later ones want to be told of one.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder / "unpacked")
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the source archive, as others do who package it."""
    return built("wheel", tmp_path_factory.mktemp("wheel"), source)


def test_source_archive_holds_every_tracked_file(source: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("needs a checkout of git")
    tracked = {name for name in listed.stdout.splitlines() if not name.startswith(".ci/")}

    packed = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {name for name in tracked if (ROOT / name).exists()} - packed == set()
    assert packed - tracked - untracked() == {"PKG-INFO"}


def untracked() -> set[str]:
    """Return files of this checkout that are new, and not ignored."""
    command = ["git", "ls-files", "--others", "--exclude-standard"]
    return set(
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    )


SCAN = """
from pathlib import Path
from wxbot.testing import Wx

wx = Wx(Path("."), packages=["wxbot._handlers"])
print(wx.user("ailin", follows=False).scan("vip").text)
wx.close()
"""


def pythons() -> list[str]:
    """Return this Python; in the long form also others that wxbot is made for, as far as they are here."""
    if not IS_LONG:
        return [sys.executable]
    found = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13)]
    # One that pyenv knows of and has not chosen is there, and does not run.
    runs = [each for each in found if each and not subprocess.run([each, "-c", ""], check=False).returncode]
    return list(dict.fromkeys([sys.executable, *runs]))


def python_with(wheel: Path, folder: Path, python: str) -> tuple[Path, dict[str, str]]:
    """Return a Python that finds wxbot in the wheel alone, and its environment.

    Short: the wheel unpacked, with the tests' own dependencies. Long: installed into an empty environment.
    """
    if not IS_LONG:
        subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, folder / "site"], check=True)
        return Path(sys.executable), {"PYTHONPATH": str(folder / "site")}
    subprocess.run([python, "-m", "venv", folder / "env"], check=True)
    subprocess.run([folder / "env" / "bin" / "pip", "install", "--quiet", wheel], check=True)
    return folder / "env" / "bin" / "python", {}


@pytest.mark.timeout(900 if IS_LONG else 240)
@pytest.mark.parametrize("name", pythons())
def test_wheel_answers_a_scan_in_an_empty_folder(wheel: Path, tmp_path: Path, name: str) -> None:
    python, environment = python_with(wheel, tmp_path, name)
    (tmp_path / "empty").mkdir()

    done = subprocess.run(
        [python, "-c", SCAN],
        cwd=tmp_path / "empty",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.startswith("欢迎加入会员！"), done.stderr


def test_every_extra_is_used() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "wxbot").rglob("*.py"))

    assert extras
    for extra, packages in extras.items():
        for package in packages:
            module = re.match(r"[\w-]+", package)[0]  # type: ignore[index]
            assert re.search(rf'import {module}\b|from {module}\b|"{module}"', code), (extra, module)
